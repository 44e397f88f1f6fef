-- The roles of Postgres, for psql, once, in the database of the ledger: tidings_owner migrates, each app
-- has its own. What an app may do is granted by each migration. As a superuser, or as who owns the
-- database and may make roles and databases, which providers give.
-- The passwords are variables of the environment.
\set ON_ERROR_STOP on
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv api_password POSTGRES_API_PASSWORD
\getenv worker_password POSTGRES_WORKER_PASSWORD
\getenv socket_password POSTGRES_SOCKET_PASSWORD

create role tidings_owner login password :'owner_password';
create role tidings_api login password :'api_password';
create role tidings_worker login password :'worker_password';
create role tidings_socket login password :'socket_password';

-- What apps ask for when they connect, for poolers that do not pass it on. The limits free what
-- a frozen process has locked before its ticket goes to another.
do $$
declare
  role text;
  setting text;
begin
  foreach role in array array['tidings_api', 'tidings_worker', 'tidings_socket'] loop
    foreach setting in array array[
      'timezone = ''UTC''',
      'transaction_timeout = ''4s''',
      'idle_in_transaction_session_timeout = ''3500ms''',
      'enable_seqscan = off',
      'jit = off'
    ] loop
      execute format('alter role %I in database %I set %s', role, current_database(), setting);
    end loop;
  end loop;
end $$;

-- Nobody's login: the api takes it on to erase a user, and has none of its rights otherwise.
create role tidings_eraser nologin;
grant tidings_eraser to tidings_api with inherit false, set true;

-- Who is no superuser gives away only to whom it belongs.
grant tidings_owner to current_user;
alter database :"DBNAME" owner to tidings_owner;
revoke all on database :"DBNAME" from public;
grant connect on database :"DBNAME" to tidings_api, tidings_worker, tidings_socket;
revoke all on schema public from public;
grant usage on schema public to tidings_api, tidings_worker, tidings_socket, tidings_eraser;
revoke tidings_owner from current_user;
