import pg from 'pg';

/** Users whose past it is, `user-0`… */
const OWNERS = 1_000;

/** Time between two actions, in seconds: a million of them lie within half a day. */
const APART_SECONDS = 0.04;

const STATEMENTS = [
  `create temp table history on commit drop as
   select n.*, 'user:' || n.owner as channel, coalesce(c.head, 0) + row_number() over (partition by n.owner order by n.n) as "offset"
   from (
     select n, 'user-' || n % ${OWNERS} as owner, gen_random_uuid() as resource_id,
       uuidv7(make_interval(secs => -${APART_SECONDS} * n)) as action_id,
       uuidv7(make_interval(secs => -${APART_SECONDS} * n)) as event_id,
       now() - make_interval(secs => ${APART_SECONDS} * n) as at
     from generate_series(1, $1::integer) as n
   ) n left join channels c on c.channel = 'user:' || n.owner`,
  `insert into messages (id, author, text, created_at, updated_at)
   select resource_id, owner, 'a message of ordinary length, as people write them', at, at from history`,
  `insert into actions (id, seq, owner, type, resource_id, status, attempts, payload, submitted_at, expires_at, finished_at, response)
   select action_id, nextval('action_seq'), owner, 'messages.create', resource_id, 'succeeded', 1,
     json_build_object('text', 'a message of ordinary length, as people write them'), at, at + interval '1 day', at,
     json_build_object('id', resource_id, 'author', owner, 'roomId', null, 'version', 1, 'createdAt', at, 'updatedAt', at,
       'text', 'a message of ordinary length, as people write them')
   from history`,
  `insert into events (id, channel, "offset", type, subject, action_id, created_at)
   select event_id, channel, "offset", 'action.succeeded', 'messages/' || resource_id, action_id, at from history`,
  `insert into channels (channel, head, head_check)
   select distinct on (channel) channel, "offset", right(event_id::text, 12) from history order by channel, "offset" desc
   on conflict (channel) do update set head = excluded.head, head_check = excluded.head_check`,
];

/** Writes finished actions straight into the ledger, as if they had been done before; nobody may be connected. */
export async function fillHistory(database: string, actions: number): Promise<void> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  const [temporary, ...rest] = STATEMENTS;
  await client.query('begin');
  await client.query(temporary!, [actions]);
  for (const statement of rest) await client.query(statement);
  await client.query('commit');
  await client.query('vacuum analyze');
  await client.query('checkpoint');
  await client.end();
}
