/**
 * Functions and system variables with a meaning for who shares connections, and the names of the functions that have
 * none: what stands before a parenthesis and in neither list may be a stored function, which may do anything.
 */
import { StatementFlag as Flag } from './statement.ts'

/** A function that remembers, waits, locks or belongs to one server, to its flags. */
export const FUNCTION_FLAGS: Readonly<Record<string, number>> = {
  get_lock: Flag.NAMED_LOCK,
  is_free_lock: Flag.SERVER_LOCAL,
  is_used_lock: Flag.SERVER_LOCAL | Flag.CONNECTION_ID,
  release_lock: Flag.NAMED_UNLOCK,
  release_all_locks: Flag.NAMED_UNLOCK_ALL,
  found_rows: Flag.FOUND_ROWS,
  row_count: Flag.ROW_COUNT,
  /** With an argument it writes: the scanner tells them apart. */
  last_insert_id: Flag.LAST_INSERT_ID_READ,
  connection_id: Flag.CONNECTION_ID,
  ps_current_thread_id: Flag.CONNECTION_ID | Flag.SERVER_LOCAL,
  ps_thread_id: Flag.CONNECTION_ID | Flag.SERVER_LOCAL,
  sleep: Flag.SLEEP,
  benchmark: Flag.SLEEP,
  source_pos_wait: Flag.SLEEP | Flag.SERVER_LOCAL,
  master_pos_wait: Flag.SLEEP | Flag.SERVER_LOCAL,
  master_gtid_wait: Flag.SLEEP | Flag.SERVER_LOCAL,
  wait_for_executed_gtid_set: Flag.SLEEP | Flag.SERVER_LOCAL,
  wait_until_sql_thread_after_gtids: Flag.SLEEP | Flag.SERVER_LOCAL,
  binlog_gtid_pos: Flag.SERVER_LOCAL,
  load_file: Flag.SERVER_LOCAL,
  uuid_short: Flag.SERVER_LOCAL,
  nextval: Flag.SERVER_LOCAL,
  lastval: Flag.SERVER_LOCAL,
  setval: Flag.SERVER_LOCAL,
  password: Flag.PASSWORD,
  old_password: Flag.PASSWORD,
  encrypt: Flag.PASSWORD,
}

/** A schema whose tables are about one server, to its flags, when a dot follows. */
export const SCHEMA_FLAGS: Readonly<Record<string, number>> = {
  information_schema: Flag.SERVER_LOCAL,
  performance_schema: Flag.SERVER_LOCAL,
  mysql: Flag.SERVER_LOCAL,
  sys: Flag.SERVER_LOCAL,
}

/** A system variable, to the flags of reading it as `@@x` and those of setting it. */
export const VARIABLE_FLAGS: Readonly<Record<string, readonly [read: number, set: number]>> = {
  last_insert_id: [Flag.LAST_INSERT_ID_READ, Flag.LAST_INSERT_ID_WRITE],
  identity: [Flag.LAST_INSERT_ID_READ, Flag.LAST_INSERT_ID_WRITE],
  warning_count: [Flag.WARNINGS_READ, 0],
  error_count: [Flag.WARNINGS_READ, 0],
  pseudo_thread_id: [Flag.CONNECTION_ID, Flag.CONNECTION_ID],
  autocommit: [0, Flag.AUTOCOMMIT],
  session_track_gtids: [Flag.SESSION_TRACK, Flag.SESSION_TRACK],
  session_track_schema: [Flag.SESSION_TRACK, Flag.SESSION_TRACK],
  session_track_state_change: [Flag.SESSION_TRACK, Flag.SESSION_TRACK],
  session_track_system_variables: [Flag.SESSION_TRACK, Flag.SESSION_TRACK],
  session_track_transaction_info: [Flag.SESSION_TRACK, Flag.SESSION_TRACK],
}

/** Built in, without an effect and alike on every replica; and types, which take a parenthesis too. */
export const PLAIN_FUNCTIONS = `
  abs acos adddate addtime add_months aes_decrypt aes_encrypt any_value area asbinary ascii asin astext aswkb aswkt
  atan atan2 avg
  bin bin_to_uuid binary bit bit_and bit_count bit_length bit_or bit_xor blob bool boolean boundary buffer
  cast ceil ceiling centroid char char_length character character_length charset chr coalesce coercibility
  collation column_add column_check column_create column_delete column_exists column_get column_json column_list
  compress concat concat_operator_oracle concat_ws contains conv convert convert_tz convexhull cos cosine_similarity
  cot count crc32 crc32c crosses cume_dist curdate current_date current_role current_time current_timestamp
  current_user curtime
  database date date_add date_format date_sub datediff datetime day dayname dayofmonth dayofweek dayofyear dec decimal
  decode decode_histogram decode_oracle default degrees dense_rank des_decrypt des_encrypt dimension disjoint distance
  double dot
  elt encode endpoint enum envelope equals exp export_set exteriorring extract extractvalue
  field find_in_set first_value fixed float floor format format_bytes format_pico_time from_base64 from_days
  from_unixtime from_vector
  geom_from_text geomcollection geomcollfromtext geomcollfromwkb geometry geometrycollection geometrycollectionfromtext
  geometrycollectionfromwkb geometryfromtext geometryfromwkb geometryn geometrytype geomfromtext geomfromwkb
  get_dd_column_privileges get_format glength greatest group_concat grouping gtid_subset gtid_subtract
  hex hour icu_version if ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr int integer interiorringn
  intersects interval is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isclosed isempty isnull isring issimple
  json_array json_array_append json_array_insert json_array_intersect json_arrayagg json_compact json_contains
  json_contains_path json_depth json_detailed json_equals json_exists json_extract json_insert json_keys json_length
  json_loose json_merge json_merge_patch json_merge_preserve json_normalize json_object json_object_filter_keys
  json_object_to_array json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace
  json_schema_valid json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table
  json_type json_unquote json_valid json_value
  kdf lag last_day last_value lcase lead least left length lengthb line linefromtext linefromwkb linestring
  linestringfromtext linestringfromwkb ln localtime localtimestamp locate log log10 log2 lower lpad lpad_oracle ltrim
  ltrim_oracle
  make_set makedate maketime match max mbrcontains mbrcoveredby mbrcovers mbrdisjoint mbrequal mbrequals mbrintersects
  mbroverlaps mbrtouches mbrwithin md5 median member microsecond mid min minute mlinefromtext mlinefromwkb mod month
  monthname months_between mpointfromtext mpointfromwkb mpolyfromtext mpolyfromwkb multilinestring
  multilinestringfromtext multilinestringfromwkb multipoint multipointfromtext multipointfromwkb multipolygon
  multipolygonfromtext multipolygonfromwkb
  name_const national natural_sort_key nchar now nth_value ntile nullif numeric numgeometries numinteriorrings
  numpoints nvarchar nvl nvl2
  oct octet_length ord overlaps
  percent_rank percentile_cont percentile_disc period_add period_diff pi point pointfromtext pointfromwkb pointn
  pointonsurface poly polyfromtext polyfromwkb polygon polygonfromtext polygonfromwkb position pow power
  quarter quote radians rand random_bytes rank real regexp_instr regexp_like regexp_replace regexp_substr repeat
  replace replace_oracle reverse right roles_graphml round row_number rpad rpad_oracle rtrim rtrim_oracle
  schema sec_to_time second session_user sformat sha sha1 sha2 sign signed simplify sin soundex space sqrt srid
  st_area st_asbinary st_asgeojson st_astext st_aswkb st_aswkt st_boundary st_buffer st_buffer_strategy st_centroid
  st_collect st_contains st_convexhull st_crosses st_difference st_dimension st_disjoint st_distance
  st_distance_sphere st_endpoint st_envelope st_equals st_exteriorring st_frechetdistance st_geohash
  st_geomcollfromtext st_geomcollfromtxt st_geomcollfromwkb st_geometrycollectionfromtext
  st_geometrycollectionfromwkb st_geometryfromtext st_geometryfromwkb st_geometryn st_geometrytype st_geomfromgeojson
  st_geomfromtext st_geomfromwkb st_hausdorffdistance st_interiorringn st_intersection st_intersects st_isclosed
  st_isempty st_isring st_issimple st_isvalid st_latfromgeohash st_latitude st_length st_linefromtext st_linefromwkb
  st_lineinterpolatepoint st_lineinterpolatepoints st_linestringfromtext st_linestringfromwkb st_longfromgeohash
  st_longitude st_makeenvelope st_mlinefromtext st_mlinefromwkb st_mpointfromtext st_mpointfromwkb st_mpolyfromtext
  st_mpolyfromwkb st_multilinestringfromtext st_multilinestringfromwkb st_multipointfromtext st_multipointfromwkb
  st_multipolygonfromtext st_multipolygonfromwkb st_numgeometries st_numinteriorring st_numinteriorrings st_numpoints
  st_overlaps st_pointatdistance st_pointfromgeohash st_pointfromtext st_pointfromwkb st_pointn st_pointonsurface
  st_polyfromtext st_polyfromwkb st_polygonfromtext st_polygonfromwkb st_relate st_simplify st_srid st_startpoint
  st_swapxy st_symdifference st_touches st_transform st_union st_validate st_within st_x st_y startpoint
  statement_digest statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp string_to_vector
  subdate substr substr_oracle substring substring_index subtime sum sysdate system_user
  tan text time time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_date
  to_days to_number to_seconds to_vector touches trim trim_oracle truncate trunc typeof
  ucase uncompress uncompressed_length unhex unix_timestamp unsigned updatexml upper user utc_date utc_time
  utc_timestamp uuid uuid_to_bin uuid_v4 uuid_v7
  validate_password_strength var_pop var_samp varbinary varchar variance vec_distance vec_distance_cosine
  vec_distance_euclidean vec_fromtext vec_totext vector vector_dim vector_distance vector_to_string version
  week weekday weekofyear weight_string within x xmltype y year yearweek
`
