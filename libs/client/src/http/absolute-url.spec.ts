import { expect, it, onTestFinished, vi } from 'vitest';
import { absoluteUrl } from './absolute-url.ts';

it('takes what is whole as it is, without its query', () => {
  expect(absoluteUrl('https://tidings.example')).toBe('https://tidings.example/');
  expect(absoluteUrl('http://127.0.0.1:3101/below/?a=b')).toBe('http://127.0.0.1:3101/below/');
});

it.each(['', 'bad', '/v1', 'http://', 'localhost:3000'])('refuses what names no server: "%s"', (url) => {
  expect(() => absoluteUrl(url)).toThrow(TypeError);
});

it.each(['', '/v1', 'localhost:3000'])('says what it needs outside of a page instead of "%s"', (url) => {
  expect(() => absoluteUrl(url)).toThrow(
    `"${url}" is not the URL of a server: outside of a page it begins with https://`,
  );
});

it('is relative to the page in a browser', () => {
  vi.stubGlobal('location', new URL('https://tidings.example/desk/today?a=b'));
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(['', '/api', 'api', 'https://other.example'].map(absoluteUrl)).toEqual([
    'https://tidings.example/',
    'https://tidings.example/api',
    'https://tidings.example/desk/api',
    'https://other.example/',
  ]);
  expect(() => absoluteUrl('http://')).toThrow(TypeError);
});
