// Day or night before anything is drawn: the choice of an earlier visit, else the system's. Where a reader forces colours
// on every page, they are of one of the two, and only what is drawn for that one can be seen on them.
try {
  const chosen = localStorage.getItem('portolan-theme');
  const forced = matchMedia('(forced-colors: active)').matches;
  if (!forced && (chosen === 'day' || chosen === 'night')) document.documentElement.dataset['theme'] = chosen;
} catch {
  // Storage may be forbidden; the system's choice stands.
}
