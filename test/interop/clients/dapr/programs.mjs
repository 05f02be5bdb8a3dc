// The programs on Dapr's SDKs.
import { fileURLToPath } from 'node:url'
import { go, python } from '../recipes.mjs'

const here = name => fileURLToPath(new URL(name, import.meta.url))

/** There is no daprd to compare them with, so that every case has to pass. */
export const daprPrograms = [
  { ...python(here('python_sdk.py'), 'dapr-python', ['dapr>=1.17']), isAlone: true },
  { ...go(here('go-sdk.go'), 'dapr-go', 'github.com/dapr/go-sdk@v1.11.0'), isAlone: true },
]
