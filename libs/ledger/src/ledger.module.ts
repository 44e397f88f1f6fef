import { Module } from '@nestjs/common';
import { Deliveries } from './deliveries.ts';
import { LedgerHistory } from './ledger-history.ts';
import { Ledger } from './ledger.service.ts';

@Module({ providers: [Deliveries, Ledger, LedgerHistory], exports: [Deliveries, Ledger, LedgerHistory] })
export class LedgerModule {}
