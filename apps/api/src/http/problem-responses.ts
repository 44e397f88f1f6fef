import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath, type ApiResponseOptions } from '@nestjs/swagger';
import { PROBLEMS, type ProblemCode } from '#contracts';
import { ProblemView } from '../actions/action.dto.ts';

/** What OpenAPI says of a response that is a problem document (RFC 9457), one for each status. */
export function describeProblems(codes: readonly ProblemCode[]): (ApiResponseOptions & { status: number })[] {
  return [...Map.groupBy(codes, (code) => PROBLEMS[code].status)].map(([status, ofStatus]) => ({
    status,
    description: ofStatus.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemView) } } },
  }));
}

/** The problems that a route can answer with, beside those that every route can. */
export function ProblemResponses(...codes: ProblemCode[]): MethodDecorator {
  const responses = describeProblems(codes).map((response) => ApiResponse(response));
  return applyDecorators(ApiExtraModels(ProblemView), ...responses);
}
