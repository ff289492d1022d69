import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { setInterval } from 'node:timers';
import { isMainThread } from 'node:worker_threads';

/** Runs in EFMS before anything else (`--import`): whoever connects to the socket is told of the event loop since the last time. */
if (isMainThread) {
  const resolution = 5;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  // On a busy machine a delay is also that of other processes: what this thread itself worked from one turn of the timer to the next is not.
  let worked = 0;
  let before = process.threadCpuUsage();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    before = process.threadCpuUsage();
    worked = Math.max(worked, (user + system) / 1000);
  }, resolution).unref();
  // The histogram counts how long its timer took: the delay is what is beyond its period.
  const delay = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolution);
  net
    .createServer((socket) => {
      const { max } = histogram;
      socket.end(JSON.stringify({ p99: delay(histogram.percentile(99)), max: delay(max), worked }));
      histogram.reset();
      worked = 0;
    })
    .listen(process.env.LOOP_PROBE_SOCKET)
    .unref();
}
