"""Which colours a picture shows and a text names: the eleven basic terms (Berlin and Kay, 1969), turquoise and beige.

Object classifiers are trained to overlook colour, so words for it need a measure of their own. (ours)
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from samekind.encoders.base import Vectors

SHADES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((12, 12, 12), (38, 38, 40)),
    "grey": ((85, 85, 87), (125, 125, 127), (170, 170, 172)),
    "white": ((255, 255, 255), (232, 232, 232)),
    "red": ((200, 25, 35), (145, 20, 30), (230, 60, 55)),
    "orange": ((240, 130, 25), (225, 95, 25), (250, 165, 70)),
    "yellow": ((250, 215, 40), (220, 185, 45), (252, 238, 130)),
    "green": ((40, 140, 50), (20, 75, 40), (130, 185, 70), (155, 210, 160), (95, 105, 45)),
    "turquoise": ((60, 180, 175), (20, 115, 120), (150, 220, 215)),
    "blue": ((30, 70, 185), (20, 35, 95), (95, 145, 215), (175, 205, 235)),
    "purple": ((110, 40, 140), (70, 30, 90), (160, 120, 190)),
    "pink": ((240, 130, 170), (248, 190, 205), (215, 60, 130)),
    "brown": ((110, 65, 30), (68, 42, 27), (150, 100, 60)),
    "beige": ((218, 198, 165), (195, 172, 140), (238, 226, 205)),
}
"""sRGB of a few shades of each colour."""
COLOURS = tuple(SHADES)

WORDS: dict[str, str] = {
    "black": "black schwarz noir negro preto nero zwart czarny siyah чёрный черный 黒 黑 أسود 검은 검정 ดำ",
    "grey": "grey gray silver silvery grau gris cinza cinzento grigio grijs szary gri серый 灰 グレー رمادي 회색 เทา",
    "white": "white weiß weiss blanc blanche blanco branco bianco wit biały beyaz белый 白 أبيض 흰 하얀 ขาว",
    "red": "red crimson scarlet rot rouge rojo vermelho rosso rood czerwony kırmızı красный 赤 红 紅 أحمر 빨간 แดง",
    "orange": "orange naranja laranja arancione oranje pomarańczowy turuncu оранжевый オレンジ 橙 برتقالي 주황 ส้ม",
    "yellow": "yellow golden gelb jaune amarillo amarelo giallo geel żółty sarı жёлтый желтый 黄 أصفر 노란 เหลือง",
    "green": "green grün gruen vert verte verde groen zielony yeşil зелёный зеленый 緑 绿 綠 أخضر 초록 녹색 เขียว",
    "turquoise": "turquoise teal cyan türkis turquesa turchese turkoois turkusowy turkuaz бирюзовый 青緑 فيروزي 청록",
    "blue": "blue navy blau bleu bleue azul blu blauw niebieski mavi синий голубой 青 蓝 藍 أزرق 파란 น้ำเงิน ฟ้า",
    "purple": "purple violet lilac lila violett morado roxo viola paars fioletowy mor фиолетовый 紫 بنفسجي 보라 ม่วง",
    "pink": "pink rosa rose roze różowy pembe розовый ピンク 粉 وردي 분홍 ชมพู",
    "brown": "brown braun brun brune marron marrom marrone bruin brązowy kahverengi коричневый 茶色 棕 بني 갈색 น้ำตาล",
    "beige": "beige cream cremefarben crème bege бежевый ベージュ 米色 بيج 베이지 เบจ",
}
"""What the colours are called in the sixteen languages of the sentence encoder, without their endings."""

_SOFT = 14.0
_GROUND_SOFT = 10.0
_RIM = 4
_LEAST = 0.03
_ENDINGS = r"(?:e[nrs]?|em|s|es|[oa]s?|en|er|ом|ая|ое|ые|ого|ej|ą|[ya]ch|ego|的|色|い|色い|の|な)?"


def shares(pictures: NDArray[np.uint8]) -> Vectors:
    """(n, side, side, 3) uint8 sRGB -> (n, 13) float32: the share of each of ``COLOURS``, rows sum to 1.

    Pixels that look like the rim of the picture count for little, so that a thing before a plain ground shows its own
    colour and not the ground's.
    """
    found = np.empty((len(pictures), len(COLOURS)), np.float32)
    for row, picture in enumerate(pictures):
        lab = _lab(picture.reshape(-1, 3).astype(np.float32) / 255)
        square = lab.reshape(*picture.shape[:2], 3)
        rim = np.concatenate([square[:_RIM].reshape(-1, 3), square[-_RIM:].reshape(-1, 3)])
        rim = np.concatenate([rim, square[:, :_RIM].reshape(-1, 3), square[:, -_RIM:].reshape(-1, 3)])
        ground = np.median(rim, axis=0)
        plain = float((((rim - ground) ** 2).sum(axis=1) < _GROUND_SOFT**2).mean())
        like_ground = np.exp(-((lab - ground) ** 2).sum(axis=1) / (2 * _GROUND_SOFT**2))
        weight = np.maximum(1 - plain * like_ground, _LEAST)
        near = np.exp(-_distances(lab) / (2 * _SOFT**2)) + 1e-6
        near /= near.sum(axis=1, keepdims=True)
        found[row] = weight @ near / weight.sum()
    return found


def named(text: str) -> NDArray[np.float32]:
    """(13,) float32: 1 for each colour that the text names in one of sixteen languages, else 0."""
    found = np.zeros(len(COLOURS), np.float32)
    for at, pattern in enumerate(_PATTERNS):
        found[at] = bool(pattern.search(text.casefold()))
    return found


def share_named(text: str) -> float:
    """Which part of a text's letters names colours, 0 to 1: "red" is all colour, "a red kettle" a third."""
    found = sum(len(match[0]) for pattern in _PATTERNS for match in pattern.finditer(text.casefold()))
    return min(found / max(sum(map(str.isalnum, text)), 1), 1.0)


def _pattern(names: str) -> re.Pattern[str]:
    """Whole words, with the endings of inflected ones; languages that write without spaces have them anywhere."""
    spaced = [re.escape(name) for name in names.split() if ord(name[0]) < 0x0E00]
    dense = [re.escape(name) for name in names.split() if ord(name[0]) >= 0x0E00]
    whole = rf"(?<!\w)(?:{'|'.join(spaced)}){_ENDINGS}(?!\w)"
    return re.compile("|".join([whole, *dense]))


_PATTERNS = [_pattern(names) for names in WORDS.values()]


def _lab(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 3) sRGB in 0..1 -> CIELAB under D65 (CIE 15)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
_WHITE = np.array([0.9505, 1.0, 1.089], np.float32)
_LAB = [_lab(np.array(shades, np.float32) / np.float32(255)) for shades in SHADES.values()]


def _distances(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 3) -> (n, 13) squared distance to the nearest shade of each colour."""
    return np.stack([((lab[:, None] - each) ** 2).sum(axis=2).min(axis=1) for each in _LAB], axis=1)
