// The second thread of `portolan export`: a program of its own, which opens the facts once more.
import { openFacts } from '@portolan/facts';
import { makeSite, takePart } from '@portolan/site';

void takePart(({ shipped, dataDir }) => makeSite(openFacts({ shipped, dataDir, whole: true }), 'portolan'));
