// The time that deadlines and pauses go by. Tests have one of their own: see fake_clock.mjs.

export const realClock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

// What a timer of this platform takes: above that it would fire at once.
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
