import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { isUuid } from '#actions';
import { CurrentIdentity, type Identity } from '#auth';
import { ProblemError, type Action } from '#contracts';
import { Ledger } from '#ledger';
import { ActionView } from './action.dto.ts';

@ApiTags('actions')
@ApiBearerAuth()
@Controller('v1/actions')
export class ActionsController {
  constructor(private readonly ledger: Ledger) {}

  @ApiOperation({ summary: 'An own action, with its outcome once it has one' })
  @ApiOkResponse({ type: ActionView })
  @Get(':id')
  async get(@CurrentIdentity() { userId }: Identity, @Param('id') id: string): Promise<Action> {
    const action = isUuid(id) ? await this.ledger.find(userId, id.toLowerCase()) : undefined;
    if (!action) throw new ProblemError('NOT_FOUND', 'You have no action of this id');
    return action;
  }
}
