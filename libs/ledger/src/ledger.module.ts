import { Module } from '@nestjs/common';
import { LedgerHistory } from './ledger-history.ts';
import { Ledger } from './ledger.service.ts';

@Module({ providers: [Ledger, LedgerHistory], exports: [Ledger, LedgerHistory] })
export class LedgerModule {}
