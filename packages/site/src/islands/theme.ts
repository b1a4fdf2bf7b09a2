// Day or night before anything is drawn: the choice of an earlier visit, else the system's.
try {
  const chosen = localStorage.getItem('portolan-theme');
  if (chosen === 'day' || chosen === 'night') document.documentElement.dataset['theme'] = chosen;
} catch {
  // Storage may be forbidden; the system's choice stands.
}
