import { SYSTEM_WRITES } from './system-writes.js';

/** A way around row-level security, or around a rule that it rests on (DATA.md, research/reliability.md §3.2). */
export interface Hole {
  readonly rule: string;
  /** The table, function, policy … that has it. */
  readonly object: string;
  readonly detail: string;
}

type Query = (sql: string, params: readonly unknown[]) => Promise<object[]>;

interface Rule {
  readonly rule: string;
  readonly detail: string;
  /** Selects `object`, and `detail` where it has more to say. */
  readonly sql: string;
  readonly params?: readonly unknown[];
}

/** Tables that hold nothing of a tenant; `efms_app` at most reads them. */
const GLOBAL_TABLES = ['audit_chain_position', 'ca_keys', 'fleet_epoch', 'outbox_cursors', 'schema_migrations'];
/** Tables under row-level security without a tenant_id of their own. */
const WITHOUT_TENANT_COLUMN = [...GLOBAL_TABLES, 'leases', 'login_failures', 'tenants'];
/** Policies of `efms_app` that are not the one equality: proving a lease without being able to change it. */
const OTHER_POLICIES = ['leases.efms_fence_select', 'leases.efms_fence_lock'];
/** Unique across tenants on purpose, or unguessable: credentials; audit rows by time. */
const GLOBAL_UNIQUE = ['credential_index', 'audit_logs'];

/** How PostgreSQL prints the policy of `efms_protect`. */
const EQUALITY =
  "(%I = ( SELECT (NULLIF(current_setting('app.current_tenant'::text, true), ''::text))::uuid AS \"nullif\"))";

/** Relations of EFMS with the name of the partitioned table at their root. */
const RELATIONS = `
  relations as (
    select c.*, n.nspname, root.relname as root from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_class root on root.oid = coalesce(pg_partition_root(c.oid), c.oid)
     where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
  ),
  tables as (select * from relations where relkind in ('r', 'p')),
  grants as (
    select t.relname, t.root, t.relkind, g.grantee, g.privilege_type, g.is_grantable
      from relations t, aclexplode(t.relacl) g where g.grantee <> t.relowner
    union all
    select t.relname, t.root, t.relkind, g.grantee, g.privilege_type, g.is_grantable
      from relations t join pg_attribute a on a.attrelid = t.oid, aclexplode(a.attacl) g where g.grantee <> t.relowner
  )`;

const RULES: readonly Rule[] = [
  {
    rule: 'row-security-off',
    detail: 'row-level security must be enabled and forced, on partitions too, for a query may name one',
    sql: `select relname as object from tables where not (relrowsecurity and relforcerowsecurity) and relname <> all ($1)`,
    params: [GLOBAL_TABLES],
  },
  {
    rule: 'policy',
    detail: 'a policy is the one equality for efms_app, or true for efms_system',
    sql: `select tablename || '.' || policyname as object, coalesce(qual, with_check) as detail from pg_policies
           where tablename || '.' || policyname <> all ($1) and not (permissive = 'PERMISSIVE' and case roles::text
             when '{efms_app}' then cmd = 'ALL' and coalesce(qual = mine, false) and coalesce(with_check = mine, false)
             when '{efms_system}' then coalesce(qual, 'true') = 'true' and coalesce(with_check, 'true') = 'true'
             else false end)`.replaceAll(
      'mine',
      `format($2, case tablename when 'tenants' then 'id' else 'tenant_id' end)`,
    ),
    params: [OTHER_POLICIES, EQUALITY],
  },
  {
    rule: 'view-without-security-invoker',
    detail: "a view reads with its owner's rights unless it has security_invoker",
    sql: `select relname as object from relations where relkind = 'v'
            and not coalesce(reloptions, '{}') && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1']`,
  },
  {
    rule: 'relation-without-row-security',
    detail: 'materialized views and foreign tables know no row-level security',
    sql: `select relname as object from relations where relkind in ('m', 'f')`,
  },
  {
    rule: 'rewrite-rule',
    detail: "a rule runs with its table owner's rights",
    sql: `select ev_class::regclass::text as object from pg_rewrite join relations on relations.oid = ev_class where rulename <> '_RETURN'`,
  },
  {
    rule: 'security-definer',
    detail: "a function must not run with its owner's rights",
    sql: `select proname as object from functions where prosecdef`,
  },
  {
    rule: 'search-path',
    detail:
      'a function must fix its search_path and end it with pg_temp, or a temporary object can stand in for a table',
    sql: `select proname as object from functions
           where not exists (select from unnest(proconfig) setting where setting ~ '^search_path=.*pg_temp$')`,
  },
  {
    rule: 'grant-to-public',
    detail: 'nothing is granted to PUBLIC',
    sql: `select distinct relname as object, privilege_type as detail from grants where grantee = 0`,
  },
  {
    rule: 'grant-beyond-rows',
    detail:
      'efms_app and efms_system get SELECT, INSERT, UPDATE, DELETE at most, without grant option: TRUNCATE and REFERENCES ignore row-level security',
    sql: `select distinct relname as object, privilege_type as detail from grants
           where grantee in ('efms_app'::regrole, 'efms_system'::regrole) and relkind <> 'S'
             and (privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or is_grantable)`,
  },
  {
    rule: 'default-privileges',
    detail: 'default privileges would open tables that do not exist yet',
    sql: `select defaclrole::regrole::text as object from pg_default_acl, aclexplode(defaclacl) g
           where defaclobjtype = 'r' and g.grantee in (0, 'efms_app'::regrole, 'efms_system'::regrole)`,
  },
  {
    rule: 'schema-create',
    detail: 'only the owner makes objects, temporary ones included',
    sql: `select role || ' on schema ' || nspname as object from pg_namespace, unnest(array['efms_app', 'efms_system']) role
           where nspname not like 'pg\\_%' and has_schema_privilege(role, oid, 'CREATE')
          union all
          select role || ' on the database' from unnest(array['efms_app', 'efms_system']) role
           where has_database_privilege(role, current_database(), 'CREATE, TEMPORARY')`,
  },
  {
    rule: 'role-attribute',
    detail: 'the roles of EFMS have no power over roles, databases, replication or row-level security',
    sql: `select rolname as object from pg_roles where rolname in ('efms_owner', 'efms_app', 'efms_system')
             and (rolsuper or rolbypassrls or rolcreatedb or rolcreaterole or rolreplication)`,
  },
  {
    rule: 'role-membership',
    detail: 'a member gets every policy of its group',
    sql: `select member::regrole::text as object, 'member of ' || roleid::regrole::text as detail from pg_auth_members
           where member::regrole::text in ('efms_owner', 'efms_app', 'efms_system')`,
  },
  {
    rule: 'role-setting',
    detail: 'the tenant belongs to a transaction, never to a role or a database',
    sql: `select coalesce(r.rolname, 'database') as object from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole,
                 unnest(s.setconfig) setting where setting ~* '^(app\\.|row_security=)'`,
  },
  {
    rule: 'owner',
    detail: 'what efms_app or efms_system owns, it can open',
    sql: `select relname as object from relations where relowner in ('efms_app'::regrole, 'efms_system'::regrole)
          union all
          select proname from functions where proowner in ('efms_app'::regrole, 'efms_system'::regrole)`,
  },
  {
    rule: 'tenant-column',
    detail: 'a table has tenant_id uuid NOT NULL, or is listed as global',
    sql: `select relname as object from tables t where root <> all ($1) and not exists (
             select from pg_attribute a where a.attrelid = t.oid and attname = 'tenant_id' and atttypid = 'uuid'::regtype
                and (attnotnull or t.root = 'audit_logs'))`,
    params: [WITHOUT_TENANT_COLUMN],
  },
  {
    rule: 'unique-without-tenant',
    detail: "a primary key or unique index leads with tenant_id, or it tells of other tenants' rows",
    sql: `select i.indexrelid::regclass::text as object from pg_index i join tables t on t.oid = i.indrelid
           where i.indisunique and t.root <> all ($1) and t.root <> all ($2)
             and not exists (select from pg_attribute a
                              where a.attrelid = t.oid and a.attnum = i.indkey[0] and a.attname = 'tenant_id')`,
    params: [WITHOUT_TENANT_COLUMN, GLOBAL_UNIQUE],
  },
  {
    rule: 'foreign-key-without-tenant',
    detail: 'the check of a foreign key ignores row-level security, so that it leads with tenant_id on both sides',
    sql: `select t.relname || '.' || k.conname as object from pg_constraint k join tables t on t.oid = k.conrelid
           where k.contype = 'f' and t.root <> all ($1) and not exists (
             select from pg_attribute here, pg_attribute there
              where here.attrelid = k.conrelid and here.attnum = k.conkey[1] and here.attname = 'tenant_id'
                and there.attrelid = k.confrelid and there.attnum = k.confkey[1]
                and there.attname = case k.confrelid when 'tenants'::regclass then 'id' else 'tenant_id' end)`,
    params: [WITHOUT_TENANT_COLUMN],
  },
  {
    rule: 'set-null-without-column',
    detail: 'SET NULL and SET DEFAULT name their column, or they would take the tenant away from the row',
    sql: `select t.relname || '.' || k.conname as object from pg_constraint k join tables t on t.oid = k.conrelid
           where k.contype = 'f' and (k.confupdtype in ('n', 'd') or k.confdeltype in ('n', 'd') and (
             k.confdelsetcols is null or exists (select from pg_attribute a
               where a.attrelid = t.oid and a.attname = 'tenant_id' and a.attnum = any (k.confdelsetcols))))`,
  },
  {
    rule: 'audit-not-append-only',
    detail: 'audit rows are inserted and read, never changed',
    sql: `select distinct relname as object, privilege_type as detail from grants
           where root = 'audit_logs' and privilege_type not in ('SELECT', 'INSERT')`,
  },
  {
    rule: 'default-partition',
    detail: 'a default partition hides that partitions have run out',
    sql: `select partdefid::regclass::text as object from pg_partitioned_table where partdefid <> 0`,
  },
  {
    rule: 'system-writes',
    detail: 'what efms_system writes is what system-writes.ts lists',
    sql: `with listed as (select t.name, upper(c.command) as command from jsonb_each($1::jsonb) t(name, commands),
                                 jsonb_array_elements_text(t.commands) c(command)),
               granted as (select root as name, privilege_type as command from grants
                            where grantee = 'efms_system'::regrole and privilege_type in ('INSERT', 'UPDATE', 'DELETE'))
          (select name as object, command || ' is granted but not listed' as detail from (table granted except table listed) extra)
          union all
          (select name, command || ' is listed but not granted' from (table listed except table granted) missing)`,
    params: [JSON.stringify(SYSTEM_WRITES)],
  },
  {
    rule: 'system-cannot-read',
    detail: 'efms_system reads every table; without its policy a backup or a scan would miss rows in silence',
    sql: `select relname as object from tables t
           where not has_table_privilege('efms_system', t.oid, 'SELECT') or t.relrowsecurity and not exists (
             select from pg_policies p where p.schemaname = t.nspname and p.tablename = t.relname
                and p.roles::text = '{efms_system}' and p.cmd in ('ALL', 'SELECT'))`,
  },
  {
    rule: 'edits-not-tracked',
    detail: 'a table with a revision has the enabled triggers of efms_track_edits, and no other table has them',
    sql: `select relname as object from tables t where not relispartition and (
             select count(*) from pg_trigger g join pg_proc p on p.oid = g.tgfoid where g.tgrelid = t.oid
                and g.tgenabled = 'O' and p.proname in ('efms_bump_revision', 'efms_audit'))
           <> case when exists (select from pg_attribute a
                                 where a.attrelid = t.oid and a.attname = 'revision' and not a.attisdropped) then 3 else 0 end`,
  },
];

const FUNCTIONS = `
  functions as (
    select p.* from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
  )`;

/**
 * Walks the catalogue of a database of EFMS and reports every hole in the isolation of tenants.
 * @param query runs SQL with `$1` parameters as any role
 */
export async function findHoles(query: Query): Promise<Hole[]> {
  const holes: Hole[] = [];
  for (const { rule, detail, sql, params } of RULES) {
    const rows = (await query(`with ${RELATIONS}, ${FUNCTIONS} ${nested(sql)}`, params ?? [])) as Partial<Hole>[];
    for (const row of rows) {
      holes.push({ rule, object: row.object ?? '', detail: row.detail ? `${detail} (${row.detail})` : detail });
    }
  }
  return holes;
}

/** A rule with a WITH of its own continues the common one. */
const nested = (sql: string): string => (sql.startsWith('with ') ? `, ${sql.slice('with '.length)}` : sql);
