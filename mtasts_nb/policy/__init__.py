"""DNS records and the policy file as text: parse, match, validate offline. Pure: no I/O, no clock.

RFC 8461 §3.1 (`_mta-sts` record), §3.2 (policy file), §4.1 (matching), and RFC 8460 §3 (`_smtp._tls` record).
"""

from ._coverage import *
from ._names import *
from ._policy import *
from ._sts_record import *
from ._tlsrpt_record import *
from ._validate import *
from ._views import *
