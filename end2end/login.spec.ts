// Story: the console has a password.
import type { Page } from '@playwright/test'
import { make } from './jobs'
import { expect, hydrated, test } from './support'

test.use({ consoleEnv: { AUTH_PASSWORD: 'correct horse' } })

test('every page asks for the password first and remembers the way', async ({ queues, page, visit, expectedErrors }) => {
  expectedErrors.push(/401/)
  await queues.push('orders', make(2, 'ORD'))
  await visit('/queues/orders')
  await expect(page).toHaveURL(/\/login/)

  await page.getByLabel(/password/i).fill('wrong')
  await page.getByRole('button', { name: /sign in/i }).click()
  await expect(page.getByRole('alert')).toBeVisible()

  await page.getByLabel(/password/i).fill('correct horse')
  await page.getByRole('button', { name: /sign in/i }).click()
  await expect(page).toHaveURL(/\/queues\/orders$/)
  await hydrated(page)
  await expect(page.getByRole('checkbox', { name: 'Select ORD-1' })).toBeVisible()

  await page.getByRole('button', { name: /sign out/i }).click()
  await expect(page).toHaveURL(/\/login/)
  await visit('/queues')
  await expect(page).toHaveURL(/\/login/)
})

test('a session that ends leads to the password and back to the same page', async ({ queues, page, visit, expectedErrors }) => {
  expectedErrors.push(/401/)
  await queues.fail('orders', make(30, 'DEAD'))
  await visit('/queues/orders?state=failed&perPage=20&page=2')
  await signIn(page)
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-10' })).toBeVisible()

  await page.getByRole('button', { name: 'More actions for orders' }).click()
  await page.getByRole('menuitem', { name: 'Purge queue…' }).click()
  const typed = page.getByRole('dialog').getByRole('textbox')
  await typed.fill('ord')
  await page.context().clearCookies()
  await reconnect(page)
  // What is being typed is not taken away.
  await expect(page.getByText('Your session has ended.')).toBeVisible()
  await expect(page.getByText(/Console unreachable/)).toHaveCount(0)
  await expect(typed).toHaveValue('ord')

  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/\/login\?next=/)
  await signIn(page)
  await expect(page).toHaveURL(/\/queues\/orders\?state=failed&perPage=20&page=2$/)
  await expect(page.getByRole('checkbox', { name: 'Select DEAD-10' })).toBeVisible()
})

async function signIn(page: Page) {
  await page.getByLabel(/password/i).fill('correct horse')
  await page.getByRole('button', { name: /sign in/i }).click()
  await hydrated(page)
}

/** The stream opens anew, as after a break of the connection. */
async function reconnect(page: Page) {
  await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')))
}
