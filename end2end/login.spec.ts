// Story: the console has a password.
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
