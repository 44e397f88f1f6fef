import 'reflect-metadata';
import { failToStart, runApp } from '#telemetry';
import { createApp } from './create-app.ts';

createApp()
  .then((app) => runApp(app, 'api'))
  .catch(failToStart);
