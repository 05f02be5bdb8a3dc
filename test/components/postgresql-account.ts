/** How tests log in to PostgreSQL. */
export function account(username = 'app', password = 'app') {
  return { credentials: { username, password: { command: ['echo', password] } } }
}
