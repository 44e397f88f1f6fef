import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validate } from '#actions';

/** Parses a query into its DTO; what it does not name is refused. */
@Injectable()
export class QueryPipe implements PipeTransform {
  transform(value: unknown, { metatype }: ArgumentMetadata): unknown {
    return validate(metatype as new () => object, { ...(value as object) }, '#query');
  }
}
