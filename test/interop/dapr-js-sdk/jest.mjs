// What the suite uses of jest.
import { vi } from 'vitest'

globalThis.jest = { fn: vi.fn, clearAllMocks: () => vi.clearAllMocks(), setTimeout: () => {} }
