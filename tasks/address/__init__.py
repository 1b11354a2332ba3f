"""The address of a Redis in whatever spelling, parsed once for state, results and broker alike.

    redis://user:password@host:6379/0
    rediss://user:password@host:6379/0?ssl_cert_reqs=required&ssl_ca_certs=/etc/ca.pem
    unix://user:password@/run/redis.sock?db=0, or redis+socket://…?virtual_host=0
    sentinel://user:password@host:26379;sentinel://host2:26379/0?master=name

With sentinels, user and password are the Redis's; the sentinels' own are `sentinel_username` and `sentinel_password`.
"""

from tasks.address.broker import Amqp as Amqp
from tasks.address.broker import amqp as amqp
from tasks.address.broker import is_amqp as is_amqp
from tasks.address.broker import looked_at as looked_at
from tasks.address.model import Address as Address
from tasks.address.model import AddressError as AddressError
from tasks.address.model import Login as Login
from tasks.address.parsing import is_redis as is_redis
from tasks.address.parsing import parse as parse
