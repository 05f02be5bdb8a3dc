/**
 * Keeps V8's young generation at the few megabytes that the start has made of it. It would double with every burst of new
 * connections, up to 48 MB that an idle process never gives back: a third of what 10,000 idle clients take.
 */
import { setFlagsFromString } from 'node:v8'

/** To be called once, after the start. Scavenges come more often then, and each is shorter (bench/README.md). */
export function boundYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
