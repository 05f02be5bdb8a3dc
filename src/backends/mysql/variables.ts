/**
 * The system variables whose session values move with a client from one upstream connection to another. The server
 * reports their changes (session tracking); a change of any other variable pins the client to its connection.
 *
 * Left out on purpose: what is consumed by the next statement (insert_id, rand_seed1) or means the present time when it is
 * not set (timestamp), what is per connection by nature (pseudo_thread_id, session_track_*), what makes the connection
 * remember its statements (profiling, optimizer_trace), and last_insert_id, which is carried on its own.
 */
export const TRACKED_VARIABLES: readonly string[] = [
  'autocommit',
  'auto_increment_increment',
  'auto_increment_offset',
  'big_tables',
  'block_encryption_mode',
  'bulk_insert_buffer_size',
  'character_set_client',
  'character_set_connection',
  'character_set_filesystem',
  'character_set_results',
  'collation_connection',
  'check_constraint_checks',
  'column_compression_threshold',
  'completion_type',
  'cte_max_recursion_depth',
  'default_storage_engine',
  'default_tmp_storage_engine',
  'default_week_format',
  'div_precision_increment',
  'end_markers_in_json',
  'eq_range_index_dive_limit',
  'explicit_defaults_for_timestamp',
  'expensive_subquery_limit',
  'foreign_key_checks',
  'generated_random_password_length',
  'group_concat_max_len',
  'idle_transaction_timeout',
  'information_schema_stats_expiry',
  'innodb_lock_wait_timeout',
  'innodb_strict_mode',
  'innodb_table_locks',
  'interactive_timeout',
  'in_predicate_conversion_threshold',
  'join_buffer_size',
  'join_cache_level',
  'keep_files_on_create',
  'lc_messages',
  'lc_time_names',
  'lock_wait_timeout',
  'log_slow_verbosity',
  'long_query_time',
  'low_priority_updates',
  'max_error_count',
  'max_execution_time',
  'max_heap_table_size',
  'max_join_size',
  'max_length_for_sort_data',
  'max_recursive_iterations',
  'max_seeks_for_key',
  'max_sort_length',
  'max_sp_recursion_depth',
  'max_statement_time',
  'min_examined_row_limit',
  'net_read_timeout',
  'net_retry_count',
  'net_write_timeout',
  'new',
  'note_verbosity',
  'old_mode',
  'optimizer_prune_level',
  'optimizer_search_depth',
  'optimizer_switch',
  'optimizer_use_condition_selectivity',
  'preload_buffer_size',
  'print_identified_with_as_hex',
  'profiling_history_size',
  'query_alloc_block_size',
  'query_prealloc_size',
  'range_alloc_block_size',
  'range_optimizer_max_mem_size',
  'read_buffer_size',
  'read_rnd_buffer_size',
  'sort_buffer_size',
  'sql_auto_is_null',
  'sql_big_selects',
  'sql_buffer_result',
  'sql_generate_invisible_primary_key',
  'sql_log_bin',
  'sql_mode',
  'sql_notes',
  'sql_quote_show_create',
  'sql_require_primary_key',
  'sql_safe_updates',
  'sql_select_limit',
  'sql_warnings',
  'standard_compliant_cte',
  'storage_engine',
  'system_versioning_alter_history',
  'system_versioning_asof',
  'time_zone',
  'tmp_disk_table_size',
  'tmp_memory_table_size',
  'tmp_table_size',
  'transaction_isolation',
  'transaction_read_only',
  'tx_isolation',
  'tx_read_only',
  'unique_checks',
  'updatable_views_with_limit',
  'use_stat_tables',
  'wait_timeout',
  'windowing_use_high_precision',
]

/** Names that are another product's for the same variable. */
const ALIASES: Readonly<Record<string, string>> = {
  tx_isolation: 'transaction_isolation',
  tx_read_only: 'transaction_read_only',
  transaction_isolation: 'tx_isolation',
  transaction_read_only: 'tx_read_only',
}

/** SQL modes that only MySQL has, and those that only MariaDB has. */
const MODES_OF_ONE_PRODUCT = new Set([
  'TIME_TRUNCATE_FRACTIONAL',
  ...['POSTGRESQL', 'ORACLE', 'MSSQL', 'DB2', 'MAXDB', 'NO_KEY_OPTIONS', 'NO_TABLE_OPTIONS', 'NO_FIELD_OPTIONS'],
  ...['MYSQL323', 'MYSQL40', 'NO_AUTO_CREATE_USER', 'IGNORE_BAD_TABLE_OPTIONS', 'EMPTY_STRING_IS_NULL'],
  ...['SIMULTANEOUS_ASSIGNMENT', 'TIME_ROUND_FRACTIONAL'],
])

/** What a variable is called at a server that has these; undefined when it has none of the kind. */
export function nameAt(variables: ReadonlyMap<string, string>, name: string): string | undefined {
  if (variables.has(name)) return name
  const alias = ALIASES[name]
  return alias !== undefined && variables.has(alias) ? alias : undefined
}

/** A value that another product refuses, as far as that one can have it; undefined when it cannot. */
export function valueElsewhere(name: string, value: string): string | undefined {
  if (name !== 'sql_mode') return undefined
  return value
    .split(',')
    .filter(mode => !MODES_OF_ONE_PRODUCT.has(mode))
    .join(',')
}

/** Setting one of the first changes the others: these are set last, in this order. */
export const SET_LAST: readonly string[] = ['character_set_connection', 'collation_connection']

/** Asks for the values that a session has of variables. */
export function variablesQuery(names: readonly string[]): string {
  return `SHOW SESSION VARIABLES WHERE Variable_name IN (${names.map(name => `'${name}'`).join(',')})`
}

/** The same of those that are followed. */
export const VARIABLES_QUERY = variablesQuery(TRACKED_VARIABLES)
