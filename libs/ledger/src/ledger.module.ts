import { Module } from '@nestjs/common';
import { Deliveries } from './deliveries.ts';
import { LedgerHistory } from './ledger-history.ts';
import { Ledger } from './ledger.service.ts';
import { Members } from './members.ts';

@Module({
  providers: [Deliveries, Ledger, LedgerHistory, Members],
  exports: [Deliveries, Ledger, LedgerHistory, Members],
})
export class LedgerModule {}
