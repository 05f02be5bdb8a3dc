/** Matches what an application requires against what is there, and says why where it does not fit. */

/** What an application needs under a name of its own. */
export interface Requirement {
  readonly name: string
  /** An API such as `lock`, or a protocol such as `redis`. */
  readonly api: string
  readonly must: readonly string[]
  readonly prefer: readonly string[]
}

/** Something that could meet a requirement: a component, or a listener with its backend. */
export interface Offer {
  readonly name: string
  readonly api: string
  /** What it is built on, for people. */
  readonly type: string
  readonly features: ReadonlySet<string>
  /** Features of its type that its server has not, each with the reason. */
  readonly lacks: Readonly<Record<string, string>>
  /** Whether its server has been asked; otherwise the features are those of its type. */
  readonly isProbed: boolean
}

export interface Match {
  readonly requirement: Requirement
  /** The offer that was chosen: the only one under the requirement's name, or the best of its API. */
  readonly offer: Offer | undefined
  readonly missingMust: readonly string[]
  readonly missingPrefer: readonly string[]
  /** A sentence for people, with the nearest alternative where something is missing. */
  readonly reason: string
}

/**
 * A match for each requirement, in their order. What bears the requirement's own name is meant; otherwise the first of
 * those that miss the fewest musts, then the fewest wishes. `types` tells which types would have a feature.
 */
export function negotiate(
  requirements: readonly Requirement[],
  offers: readonly Offer[],
  types: (feature: string) => readonly string[],
): readonly Match[] {
  return requirements.map(requirement => {
    const ofApi = offers.filter(({ api }) => api === requirement.api)
    const named = ofApi.find(({ name }) => name === requirement.name)
    const best = named ?? [...ofApi].sort((a, b) => rank(requirement, a) - rank(requirement, b))[0]
    const missingMust = best ? missing(requirement.must, best) : requirement.must
    const missingPrefer = best ? missing(requirement.prefer, best) : requirement.prefer
    const reason = reasonOf(requirement, best, missingMust, missingPrefer, offers, types)
    return { requirement, offer: best, missingMust, missingPrefer, reason }
  })
}

export function isMet({ offer, missingMust }: Match): boolean {
  return offer !== undefined && missingMust.length === 0
}

function missing(features: readonly string[], offer: Offer): readonly string[] {
  return features.filter(feature => !offer.features.has(feature))
}

/** Lower is better; a must outweighs all wishes. */
function rank({ must, prefer }: Requirement, offer: Offer): number {
  return missing(must, offer).length * (prefer.length + 1) + missing(prefer, offer).length
}

function reasonOf(
  requirement: Requirement,
  offer: Offer | undefined,
  missingMust: readonly string[],
  missingPrefer: readonly string[],
  offers: readonly Offer[],
  types: (feature: string) => readonly string[],
): string {
  const { name, api, must } = requirement
  if (!offer) {
    const possible = must.length > 0 ? typesOf(must, types) : ''
    return `${name} requires ${api}, and nothing of that kind is configured${possible}`
  }
  const bound = `${name} is met by ${offer.name} (${offer.type})`
  if (missingMust.length > 0) {
    const which = missingMust.map(feature => describe(feature, offer)).join(', ')
    const others = offers.filter(other => other !== offer && other.api === api && missing(must, other).length === 0)
    const instead =
      others.length > 0
        ? `; ${others.map(other => `${other.name} (${other.type})`).join(' or ')} would do`
        : typesOf(must, types)
    return `${name} requires ${which}, which ${offer.name} (${offer.type}) does not have${instead}`
  }
  const proof = offer.isProbed ? '' : ', by what its type can do: its server has not answered yet'
  return missingPrefer.length === 0 ? bound + proof : `${bound}${proof}, without ${missingPrefer.join(', ')}`
}

function describe(feature: string, offer: Offer): string {
  const why = offer.lacks[feature]
  return why ? `${feature} (${why})` : feature
}

function typesOf(must: readonly string[], types: (feature: string) => readonly string[]): string {
  const [first = [], ...rest] = must.map(types)
  const all = first.filter(type => rest.every(others => others.includes(type)))
  return all.length > 0 ? `; these types would do: ${all.join(', ')}` : '; no type has all of that'
}
