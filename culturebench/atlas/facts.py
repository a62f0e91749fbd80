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

#: What is asked about a picture. The first three are a culture's; the object is the same in all of them.
KINDS: Final = ("region", "dish", "feast", "object")
NEUTRAL: Final = "object"

#: Language -> the questions of `KINDS`.
ASKED: Final = {
    "en": (
        "Which culture does this picture show?",
        "Which dish is at home there?",
        "Which feast is celebrated there?",
        "Which object does this picture show?",
    ),
    "ar": ("أي ثقافة تظهر في هذه الصورة؟", "أي طبق موطنه هناك؟", "أي عيد يُحتفل به هناك؟", "أي شيء يظهر في هذه الصورة؟"),
    "zh": ("这张图片展示的是哪种文化？", "哪道菜来自那里？", "那里庆祝什么节日？", "这张图片展示的是什么物品？"),
    "ja": (
        "この絵はどの文化を表していますか。",
        "そこの郷土料理はどれですか。",
        "そこで祝われる祭りはどれですか。",
        "この絵には何が描かれていますか。",
    ),
    "ko": (
        "이 그림은 어느 문화를 보여 줍니까?",
        "그곳의 음식은 무엇입니까?",
        "그곳에서 기념하는 축제는 무엇입니까?",
        "이 그림은 어떤 물건을 보여 줍니까?",
    ),
    "th": ("ภาพนี้แสดงวัฒนธรรมใด", "อาหารใดเป็นของที่นั่น", "ที่นั่นฉลองเทศกาลใด", "ภาพนี้แสดงสิ่งของใด"),
    "de": (
        "Welche Kultur zeigt dieses Bild?",
        "Welches Gericht ist dort zu Hause?",
        "Welches Fest wird dort gefeiert?",
        "Welchen Gegenstand zeigt dieses Bild?",
    ),
    "ru": (
        "Какую культуру показывает эта картинка?",
        "Какое блюдо родом оттуда?",
        "Какой праздник там отмечают?",
        "Какой предмет показан на этой картинке?",
    ),
    "it": (
        "Quale cultura mostra questa immagine?",
        "Quale piatto è tipico di lì?",
        "Quale festa si celebra lì?",
        "Quale oggetto mostra questa immagine?",
    ),
    "nl": (
        "Welke cultuur toont deze afbeelding?",
        "Welk gerecht hoort daar thuis?",
        "Welk feest wordt daar gevierd?",
        "Welk voorwerp toont deze afbeelding?",
    ),
    "pl": (
        "Jaką kulturę pokazuje ten obraz?",
        "Jaka potrawa stamtąd pochodzi?",
        "Jakie święto się tam obchodzi?",
        "Jaki przedmiot pokazuje ten obraz?",
    ),
    "tr": (
        "Bu resim hangi kültürü gösteriyor?",
        "Hangi yemek oraya özgüdür?",
        "Orada hangi bayram kutlanır?",
        "Bu resim hangi nesneyi gösteriyor?",
    ),
    "uk": (
        "Яку культуру показує це зображення?",
        "Яка страва звідти родом?",
        "Яке свято там святкують?",
        "Який предмет показує це зображення?",
    ),
    "es": (
        "¿Qué cultura muestra esta imagen?",
        "¿Qué plato es típico de allí?",
        "¿Qué fiesta se celebra allí?",
        "¿Qué objeto muestra esta imagen?",
    ),
    "pt": (
        "Que cultura mostra esta imagem?",
        "Que prato é típico de lá?",
        "Que festa se celebra lá?",
        "Que objeto mostra esta imagem?",
    ),
    "fr": (
        "Quelle culture cette image montre-t-elle ?",
        "Quel plat vient de là-bas ?",
        "Quelle fête y célèbre-t-on ?",
        "Quel objet cette image montre-t-elle ?",
    ),
    "hi": (
        "यह चित्र कौन-सी संस्कृति दिखाता है?",
        "वहाँ का व्यंजन कौन-सा है?",
        "वहाँ कौन-सा त्योहार मनाया जाता है?",
        "यह चित्र कौन-सी वस्तु दिखाता है?",
    ),
    "vi": (
        "Bức tranh này thể hiện nền văn hóa nào?",
        "Món ăn nào là của nơi đó?",
        "Lễ hội nào được tổ chức ở đó?",
        "Bức tranh này cho thấy đồ vật nào?",
    ),
}
