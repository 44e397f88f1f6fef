export { ProblemFilter, sendProblem, toProblemError } from './problem.filter.ts';
