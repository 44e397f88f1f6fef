import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { testDatabase } from './database.ts';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

describe('testDatabase', () => {
  it('migrates once, and gives every caller a database of its own', async () => {
    let migrations = 0;
    const schema = {
      name: 'database.spec',
      migrate: async (url: string) => {
        migrations += 1;
        await query(url, 'CREATE TABLE notes (text text)');
      },
    };
    const [first, second] = await Promise.all([testDatabase(schema), testDatabase(schema)]);
    await query(first.url, `INSERT INTO notes VALUES ('mine')`);

    expect(await query(first.url, 'SELECT text FROM notes')).toEqual([{ text: 'mine' }]);
    expect(await query(second.url, 'SELECT text FROM notes')).toEqual([]);
    expect(migrations).toBe(1);
  });
});
