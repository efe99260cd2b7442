const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** `milliseconds` for people, as precise as they want to know it: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(milliseconds: number): string {
  const whole = Math.ceil(milliseconds / second) * second;
  if (whole < minute) return `${whole / second} s`;
  if (whole < hour) return `${Math.floor(whole / minute)} min ${(whole % minute) / second} s`;
  return `${Math.floor(whole / hour)} h ${Math.floor((whole % hour) / minute)} min`;
}
