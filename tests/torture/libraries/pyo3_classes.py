"""Classes of Rust by PyO3, most of which say that they are `builtins`; threads that use them."""
# requires: rpds-py cryptography

import rpds
from captures import Traffic, look
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def work():
    table = rpds.HashTrieMap({f"key {number}": [number] for number in range(100)})
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"data" * 1000)
    return table.insert("one", 1), digest.finalize()


maps = [rpds.HashTrieMap({number: [number] for number in range(50)}) for _ in range(20)]
sets = [rpds.HashTrieSet(range(50)) for _ in range(20)]
lists = [rpds.List([{"item": number} for number in range(50)]) for _ in range(20)]
queues = [rpds.Queue([1, 2, 3]) for _ in range(20)]
walking = [iter(one) for one in (*maps, *sets, *lists)]
for one in walking:
    next(one)
views = [one.items() for one in maps] + [one.keys() for one in maps]
keys = [ed25519.Ed25519PrivateKey.generate() for _ in range(10)] + [ec.generate_private_key(ec.SECP256R1())]
keys.append(rsa.generate_private_key(65537, 1024))
public = [one.public_key() for one in keys]
halfway = [hashes.Hash(hashes.SHA256()) for _ in range(10)] + [
    hmac.HMAC(b"key" * 11, hashes.SHA256()) for _ in range(10)
]
for one in halfway:
    one.update(b"data")
more = [AESGCM(b"k" * 32), serialization.BestAvailableEncryption(b"password"), x509.random_serial_number()]
more.append(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "name")]))
look(
    [*maps, *sets, *lists, *queues, *walking, *views, *keys, *public, *halfway, *more[:2]], traffic=Traffic(work, work)
)
