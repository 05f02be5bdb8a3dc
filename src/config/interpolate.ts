/**
 * Environment variables in the text of a value: `${NAME}`, `${NAME:-default}`, and `$${` for a literal `${`.
 * It works on values that are already parsed, so no variable can add keys or change the structure.
 */

const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g
const CONTENT = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

export interface Interpolated {
  readonly text: string
  /** What is wrong with the references, one sentence each. */
  readonly failures: readonly string[]
}

/** The text with every reference replaced; as in a shell, the default also stands in for an empty variable. */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): Interpolated {
  const failures: string[] = []
  const replaced = text.replace(REFERENCE, (reference: string, content: string | undefined) => {
    if (content === undefined) return '${'
    const [, name, preset] = CONTENT.exec(content) ?? []
    if (name === undefined || !reference.endsWith('}')) {
      failures.push(
        `contains ${reference}, which is neither \${NAME} nor \${NAME:-default}; a literal \${ is written $\${`,
      )
      return ''
    }
    const value = env[name]
    if (value !== undefined && (value !== '' || preset === undefined)) return value
    if (preset === undefined) {
      failures.push(
        `needs the environment variable ${name}, which is not set; a default is written \${${name}:-default}`,
      )
    }
    return preset ?? ''
  })
  return { text: replaced, failures }
}
