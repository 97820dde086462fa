import createTestnet from '@hyperswarm/testnet'
import type { Test } from 'tape'
import type { Bootstrap } from '../../lib/share/peers.ts'
import { Provider, type ProviderOptions } from '../../lib/share/provider.ts'
import { cleanup } from './drives.ts'

/** A DHT of this machine's own, gone when the test is over; gives the nodes that it is entered by. */
export async function network(t: Test): Promise<readonly Bootstrap[]> {
  const testnet = await createTestnet(3)
  cleanup(t, () => testnet.destroy())
  return testnet.bootstrap
}

/** A folder that is shared until the test is over. */
export async function provide(t: Test, root: string, opts: ProviderOptions): Promise<Provider> {
  const provider = await Provider.open(root, opts)
  cleanup(t, () => provider.close())
  return provider
}
