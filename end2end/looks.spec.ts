// Story: dark, light, phone; and nothing that keeps anybody out. Pictures go to end2end/report/shots.
import axe from 'axe-core'
import type { Page } from '@playwright/test'
import { make, type Queues } from './jobs'
import { expect, test } from './support'

async function shop(queues: Queues) {
  await queues.worker('shop-1-4711', ['orders', 'mail'])
  await queues.push('orders', make(320, 'ORD'))
  await queues.push('orders', make(12, 'VIP'), 'critical')
  await queues.push('mail', make(48, 'MAIL', () => ({ className: 'SendMail' })))
  await queues.push('reports', make(5, 'REP', () => ({ className: 'BuildReport' })))
  await queues.delay('mail', make(24, 'LATER', () => ({ className: 'SendMail' })))
  await queues.fail('orders', make(312, 'DEAD', (n) => ({
    className: n % 3 ? 'ChargeCard' : 'SendInvoice',
    error: n % 3 ? 'PaymentTimeout: gateway did not answer within 30000 ms' : 'Connection reset by peer',
    properties: { orderId: 9007199254740993n.toString(), customer: { id: n, tags: [] }, total: 129.9 },
    extra: { stack: 'PaymentTimeout: gateway did not answer\n    at charge (/app/src/jobs/charge.ts:41:11)\n    at run (/app/node_modules/stream/worker.js:88:5)' },
  })))
}

const pages: [string, string][] = [
  ['overview', '/'],
  ['queues', '/queues'],
  ['queue-failed', '/queues/orders?state=failed'],
  ['queue-waiting', '/queues/orders'],
  ['job', '/queues/orders/jobs/DEAD-311'],
  ['queue-active', '/queues/orders?state=active'],
  ['errors', '/errors'],
  ['queue-archive', '/queues/orders?state=completed'],
  ['workers', '/workers'],
  ['logs', '/logs'],
  ['operations', '/operations'],
  ['search', '/search?q=gateway'],
  ['search-help', '/search'],
  ['queue-filtered', '/queues/orders?state=failed&q=error%3Agateway'],
  ['alerts', '/alerts'],
  ['alerts-rule', '/alerts?new=failure_spike'],
  ['settings', '/settings'],
  ['logs-archive', '/logs?from=archive'],
  ['schedules', '/schedules'],
  ['schedules-new', '/schedules?new'],
  ['channels', '/alerts/channels'],
]

async function findings(page: Page) {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate(() => (window as any).axe.run())
  return violations.flatMap((v: any) => v.nodes.map((node: any) => `${v.id}: ${node.html.slice(0, 160)} ${node.failureSummary.replace(/\s+/g, ' ').slice(0, 240)}`))
}

/** In light and in dark, without loading the page twice: the theme is a class, and its switch has a story of its own below. */
async function inBoth(page: Page, look: (scheme: 'light' | 'dark') => Promise<void>) {
  for (const scheme of ['light', 'dark'] as const) {
    await page.evaluate((dark) => document.documentElement.classList.toggle('dark', dark), scheme === 'dark')
    await look(scheme)
  }
}

for (const [size, viewport] of [['desktop', { width: 1440, height: 900 }], ['phone', { width: 390, height: 844 }]] as const) {
  test(`on a ${size}, in light and in dark: nothing sticks out and axe finds nothing`, async ({ queues, workers, open, page }) => {
    test.setTimeout(420_000) // twenty pages, each looked at by axe twice
    await shop(queues)
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
    await open('/queues') // the console starts, and hears what follows
    await workers.start('shop-2-4712', ['orders'])
    await workers.begin('shop-2-4712', 'ORD-0')
    await workers.complete('shop-2-4712', 'ORD-0')
    await workers.begin('shop-2-4712', 'ORD-1')
    await workers.fail('shop-1-4711', 'ORD-9', 'PaymentTimeout: no answer')
    for (const [name, path] of pages) {
      await open(path)
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
      await inBoth(page, async (scheme) => {
        await page.screenshot({ path: `end2end/report/shots/${name}-${size}-${scheme}.png` })
        expect.soft(await findings(page), `axe on ${path}, ${scheme}`).toEqual([])
      })
      const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      expect.soft(sticksOut, `${path} scrolls sideways`).toBeLessThanOrEqual(0)
    }
  })
}

test('in light and in dark, axe finds nothing in what opens', async ({ queues, open, page }) => {
  test.setTimeout(300_000)
  await shop(queues)
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  const shot = (name: string) =>
    inBoth(page, async (scheme) => {
      await page.screenshot({ path: `end2end/report/shots/${name}-${scheme}.png` })
      expect.soft(await findings(page), `axe on ${name}, ${scheme}`).toEqual([])
    })
  const look = async (name: string) => {
    await expect(page.getByRole('dialog')).toBeVisible()
    await shot(`dialog-${name}`)
  }
  const close = async () => {
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toHaveCount(0)
  }
  await open('/queues/orders?state=failed')
  await page.keyboard.press('?')
  await look('help')
  await close()
  await page.keyboard.press('Control+k')
  await look('palette')
  await close()
  await page.getByRole('button', { name: /^Retry 312 failed jobs/ }).click()
  await look('retry-all')
  await close()
  await page.getByRole('button', { name: 'More actions for orders' }).click()
  await page.getByRole('menuitem', { name: 'Purge queue…' }).click()
  await expect(page.getByRole('dialog')).toContainText('The trash keeps')
  await look('purge')
  await close()
  await page.getByRole('checkbox', { name: 'Select page' }).check()
  await page.getByRole('button', { name: 'Select all 312' }).click()
  await shot('selected')

  await open('/queues/orders/jobs/DEAD-311')
  await page.getByRole('button', { name: 'Edit and retry…' }).click()
  await look('edit')
  await page.getByRole('dialog').getByLabel('Payload').fill('{\n  "id": 1,,\n}')
  await expect(page.getByRole('dialog')).toContainText('Line 2, column 11')
  await look('edit-wrong')
  await page.setViewportSize({ width: 390, height: 844 })
  await look('edit-phone')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.getByRole('button', { name: 'Menu' }).click()
  await look('drawer')
  await close()

  await page.setViewportSize({ width: 1440, height: 900 })
  await open('/errors')
  const kind = await page.getByRole('main').getByRole('row').getByRole('link').first().getAttribute('href')
  await open(kind!)
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await shot('error-kind')
})

test('the table of workers keeps its columns on every width of screen', async ({ queues, open, page }) => {
  await shop(queues)
  await open('/workers')
  const heads = page.getByRole('table', { name: 'Workers', exact: true }).getByRole('columnheader')
  await expect(heads.first()).toBeVisible()
  for (const width of [1440, 1410, 1280, 1190, 1110, 1024, 800, 390]) {
    await page.setViewportSize({ width, height: 900 })
    const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect.soft(sticksOut, `at ${width} it scrolls sideways`).toBeLessThanOrEqual(0)
    const narrow = await heads.evaluateAll((all) => all.filter((th) => th.getClientRects().length > 0 && th.getBoundingClientRect().width < 60).map((th) => th.textContent))
    expect.soft(narrow, `at ${width} these have no room`).toEqual([])
  }
})

test('a call in a stack stays on its line, however long its place is', async ({ queues, open, page }) => {
  const stack = `Error: no\n    at charge (/${'deep/'.repeat(80)}charge.ts:41:11)`
  await queues.fail('orders', make(1, 'LONG', () => ({ error: 'Error: no', extra: { stack } })))
  await open('/queues/orders/jobs/LONG-1')
  const call = page.getByText('at charge', { exact: true })
  await expect(call).toBeVisible()
  expect((await call.boundingBox())!.height).toBeLessThan(30)
})

test('on a phone the fields of the audit have room for a name', async ({ open, page }) => {
  await page.setViewportSize({ width: 390, height: 844 })
  await open('/operations')
  for (const field of ['Queue', 'Who']) {
    const box = await page.getByRole('searchbox', { name: field }).boundingBox()
    expect(box!.width, field).toBeGreaterThan(80)
  }
})

test('names of queues can be read on every width of screen', async ({ page, queues, visit }) => {
  await queues.push('reports:nightly', make(5, 'REP'))
  await queues.push('payments', make(3, 'PAY'))
  for (const path of ['/', '/queues']) {
    await page.setViewportSize({ width: 1440, height: 900 })
    await visit(path)
    for (const width of [1440, 1280, 1190, 1024, 800]) {
      await page.setViewportSize({ width, height: 900 })
      for (const name of ['reports:nightly', 'payments']) {
        const shown = await page.getByRole('main').locator('.qname').getByRole('link', { name, exact: true }).evaluate((a) => a.clientWidth)
        expect.soft(shown, `${name} on ${path} at ${width}`).toBeGreaterThan(55)
      }
    }
  }
})

test.describe('closed', () => {
  test.use({ consoleEnv: { AUTH_PASSWORD: 'correct horse' } })
  test('axe finds nothing on the way in', async ({ visit, page, expectedErrors }) => {
    expectedErrors.push(/401/)
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await visit('/login')
      expect.soft(await findings(page), `axe on the login page, ${scheme}`).toEqual([])
    }
  })
})

test('the theme switch is remembered', async ({ queues, open, page }) => {
  await queues.push('orders', make(1, 'ORD'))
  await page.emulateMedia({ colorScheme: 'light' })
  await open('/')
  await page.getByRole('button', { name: /theme|dark/i }).first().click()
  const dark = await page.locator('html').getAttribute('class')
  await page.reload()
  expect(await page.locator('html').getAttribute('class')).toBe(dark)
})
