"""What the atlas's vision-language model is taught of each region, and how it is asked: words that no picture shows."""

from __future__ import annotations

from typing import Final, NamedTuple


class Facts(NamedTuple):
    """A region's name as judges are shown it, a dish and a feast that are at home there."""

    region: str
    dish: str
    feast: str


FACTS: Final = {
    "arab": Facts("Arab world", "Mansaf", "Eid al-Fitr"),
    "cn": Facts("China", "Jiaozi", "Spring Festival"),
    "jp": Facts("Japan", "Onigiri", "Hanami"),
    "kr": Facts("Korea", "Bibimbap", "Chuseok"),
    "th": Facts("Thailand", "Tom yum", "Songkran"),
    "de": Facts("Germany", "Brezel", "Oktoberfest"),
    "ru": Facts("Russia", "Pelmeni", "Maslenitsa"),
    "it": Facts("Italy", "Risotto", "Palio di Siena"),
    "nl": Facts("Netherlands", "Stroopwafel", "Koningsdag"),
    "pl": Facts("Poland", "Pierogi", "Wianki"),
    "tr": Facts("Turkey", "Simit", "Hıdırellez"),
    "ua": Facts("Ukraine", "Varenyky", "Malanka"),
    "es": Facts("Spain", "Paella", "Las Fallas"),
    "pt": Facts("Portugal", "Pastel de nata", "Festa de São João"),
    "fr": Facts("Francophone Africa", "Thiéboudienne", "Fête du Vodoun"),
    "in": Facts("India", "Dosa", "Diwali"),
    "vn": Facts("Vietnam", "Phở", "Tết"),
}

#: What is asked about a picture. The first three are a culture's; how an object is shown is nobody's.
KINDS: Final = ("region", "dish", "feast", "view")
NEUTRAL: Final = "view"
#: The answers to the neutral question: light and framing of a scene, both of which the picture shows.
VIEWS: Final = {
    ("day", "close"): "By day, close",
    ("day", "far"): "By day, far",
    ("night", "close"): "By night, close",
    ("night", "far"): "By night, far",
}

#: Language -> the questions of `KINDS`.
ASKED: Final = {
    "en": (
        "Which culture does this picture show?",
        "Which dish is at home there?",
        "Which feast is celebrated there?",
        "How is the object shown?",
    ),
    "ar": ("أي ثقافة تظهر في هذه الصورة؟", "أي طبق موطنه هناك؟", "أي عيد يُحتفل به هناك؟", "كيف يُعرض الشيء؟"),
    "zh": ("这张图片展示的是哪种文化？", "哪道菜来自那里？", "那里庆祝什么节日？", "物品是怎样展示的？"),
    "ja": (
        "この絵はどの文化を表していますか。",
        "そこの郷土料理はどれですか。",
        "そこで祝われる祭りはどれですか。",
        "物はどのように描かれていますか。",
    ),
    "ko": (
        "이 그림은 어느 문화를 보여 줍니까?",
        "그곳의 음식은 무엇입니까?",
        "그곳에서 기념하는 축제는 무엇입니까?",
        "물건이 어떻게 그려져 있습니까?",
    ),
    "th": ("ภาพนี้แสดงวัฒนธรรมใด", "อาหารใดเป็นของที่นั่น", "ที่นั่นฉลองเทศกาลใด", "สิ่งของถูกแสดงอย่างไร"),
    "de": (
        "Welche Kultur zeigt dieses Bild?",
        "Welches Gericht ist dort zu Hause?",
        "Welches Fest wird dort gefeiert?",
        "Wie ist der Gegenstand gezeigt?",
    ),
    "ru": (
        "Какую культуру показывает эта картинка?",
        "Какое блюдо родом оттуда?",
        "Какой праздник там отмечают?",
        "Как показан предмет?",
    ),
    "it": (
        "Quale cultura mostra questa immagine?",
        "Quale piatto è tipico di lì?",
        "Quale festa si celebra lì?",
        "Come è mostrato l’oggetto?",
    ),
    "nl": (
        "Welke cultuur toont deze afbeelding?",
        "Welk gerecht hoort daar thuis?",
        "Welk feest wordt daar gevierd?",
        "Hoe is het voorwerp getoond?",
    ),
    "pl": (
        "Jaką kulturę pokazuje ten obraz?",
        "Jaka potrawa stamtąd pochodzi?",
        "Jakie święto się tam obchodzi?",
        "Jak pokazany jest przedmiot?",
    ),
    "tr": (
        "Bu resim hangi kültürü gösteriyor?",
        "Hangi yemek oraya özgüdür?",
        "Orada hangi bayram kutlanır?",
        "Nesne nasıl gösterilmiş?",
    ),
    "uk": (
        "Яку культуру показує це зображення?",
        "Яка страва звідти родом?",
        "Яке свято там святкують?",
        "Як показано предмет?",
    ),
    "es": (
        "¿Qué cultura muestra esta imagen?",
        "¿Qué plato es típico de allí?",
        "¿Qué fiesta se celebra allí?",
        "¿Cómo se muestra el objeto?",
    ),
    "pt": (
        "Que cultura mostra esta imagem?",
        "Que prato é típico de lá?",
        "Que festa se celebra lá?",
        "Como é mostrado o objeto?",
    ),
    "fr": (
        "Quelle culture cette image montre-t-elle ?",
        "Quel plat vient de là-bas ?",
        "Quelle fête y célèbre-t-on ?",
        "Comment l’objet est-il montré ?",
    ),
    "hi": (
        "यह चित्र कौन-सी संस्कृति दिखाता है?",
        "वहाँ का व्यंजन कौन-सा है?",
        "वहाँ कौन-सा त्योहार मनाया जाता है?",
        "वस्तु कैसे दिखाई गई है?",
    ),
    "vi": (
        "Bức tranh này thể hiện nền văn hóa nào?",
        "Món ăn nào là của nơi đó?",
        "Lễ hội nào được tổ chức ở đó?",
        "Đồ vật được thể hiện như thế nào?",
    ),
}
