import { encode } from 'hypercore-id-encoding'
import test from 'tape'
import { formatLink, isLink, parseKey } from '../../lib/share/key.ts'
import { failureOf } from '../helpers/drives.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_, i) => 7 * i))
const hex = key.toString('hex')
const id = encode(key)

test('parseKey(link)', (t) => {
  for (const link of [`hd://${id}`, `hyper://${id}`, `hd://${hex}`, `hd://0x${hex}`, `hd://${id}/`])
    t.same(parseKey(link), key, link)
  t.same(parseKey(`hd://${hex.toUpperCase()}`), key, 'in capitals')
  t.end()
})

test('parseKey(link, prefixes)', (t) => {
  t.same(parseKey(`model:${id}`, 'model:'), key)
  t.same(parseKey(id, ''), key, 'none')
  t.same(parseKey(`b:${hex}`, ['a:', 'b:']), key, 'one of several')
  t.end()
})

test('parseKey of what is no key: KEY_INVALID', async (t) => {
  const bad: unknown[] = [
    undefined,
    null,
    1,
    key,
    '',
    id,
    'hd://',
    'hd:/' + id,
    `http://${id}`,
    `hd://${hex.slice(2)}`,
    `hd://${hex}00`,
    `hd://${id.slice(1)}`,
    `hd://${id}/file`,
    `hd://${hex.replace(/^../, 'zz')}`
  ]
  for (const link of bad) {
    const err = await failureOf(() => parseKey(link))
    t.is(err.code, 'KEY_INVALID', String(link))
    t.ok(err.message.startsWith('KEY_INVALID: not a key of a drive ('), err.message)
  }
  const short = await failureOf(() => parseKey(`hd://${hex.slice(2)}`))
  t.ok(short.cause instanceof Error, 'with what the decoder said')
})

test('formatLink(key) gives what parseKey takes', (t) => {
  t.is(formatLink(key), `hd://${id}`)
  t.same(parseKey(formatLink(key)), key)
  t.end()
})

test('isLink(text)', (t) => {
  t.ok(isLink(`hd://${id}`))
  t.ok(isLink('hyper://'))
  for (const text of ['', '/hd://', './folder', id]) t.notOk(isLink(text), text)
  t.end()
})
