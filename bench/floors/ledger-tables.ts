/** What a ledger cannot do without: what was accepted and how it ended, what became of it, what was told. */
export const LEDGER_TABLES = `
  create table actions (id uuid primary key, owner text not null, text text not null, is_done boolean not null default false);
  create table messages (id uuid primary key, author text not null, text text not null);
  create table events (owner text not null, event_id bigint generated always as identity, action_id uuid not null,
    primary key (owner, event_id))`;
