/** Who comes first of some players, against a plain sort. */
import fc from 'fast-check'
import test from 'tape'
import { Tournament } from '../../lib/overlay/tournament.ts'

interface Player {
  readonly place: number
  value: number
}

const isBefore = (a: Player, b: Player) => (a.value === b.value ? a.place < b.place : a.value < b.value)

const toPlayers = (values: readonly number[]) => values.map((value, place): Player => ({ place, value }))

const first = (players: readonly Player[]) => [...players].sort((a, b) => (isBefore(a, b) ? -1 : 1))[0]

const values = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 70 })

test('the winner is before all others, after replay(place) of each that has changed too', (t) => {
  const change = fc.record({ place: fc.nat(), value: fc.integer({ min: 0, max: 12 }) })
  const holds = fc.property(values, fc.array(fc.array(change, { maxLength: 5 })), (values, rounds) => {
    const players = toPlayers(values)
    const tournament = new Tournament(players, isBefore)
    if (tournament.winner !== first(players)) return false
    return rounds.every((changes) => {
      const changed = changes.flatMap(({ place, value }): Player[] => {
        const player = players[place % players.length]
        if (player) player.value = value
        return player ? [player] : []
      })
      for (const { place } of changed) tournament.replay(place)
      return tournament.winner === first(players)
    })
  })
  fc.assert(holds, { numRuns: 500 })
  t.pass()
  t.end()
})

test('replayAll() is for when any may have changed', (t) => {
  const holds = fc.property(values, values, (before, after) => {
    const players = toPlayers(before)
    const tournament = new Tournament(players, isBefore)
    for (const player of players) player.value = after[player.place] ?? player.value
    tournament.replayAll()
    return tournament.winner === first(players)
  })
  fc.assert(holds)
  t.pass()
  t.end()
})

test('a key costs a comparison a round', (t) => {
  let comparisons = 0
  const count = (a: Player, b: Player) => {
    comparisons++
    return isBefore(a, b)
  }
  const tournament = new Tournament(toPlayers(Array.from({ length: 64 }, (_, i) => i)), count)
  comparisons = 0
  tournament.replay(tournament.winner!.place)
  t.equal(comparisons, 6)
  t.end()
})
