#!/usr/bin/env python3
"""Strings of many kinds and the token ids that Hugging Face `tokenizers` gives them.

Run once: python make_tokenizer_golden.py SmolLM2-135M-Instruct.gguf (tokenizers, gguf). The result
is committed; tests read it. See README.md for the layout.
"""
import hashlib
import json
import pathlib
import random
import struct
import sys
import unicodedata

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).parent / "tokenizer"
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")

SENTENCES = """
The quick brown fox jumps over the lazy dog, doesn't it?|We'll see what they've done; I'm sure she'd agree.
Der schnelle braune Fuchs springt über den faulen Hund.|Größe, Straße, Übermut und Äpfel.
Voilà un été à Besançon où l'on s'égaye sans façon.|L'hôtel où j'étais coûtait 35 € la nuit.
El niño pequeño comió piñas en la montaña.|¿Cómo estás? ¡Muy bien, gracias!
O coração não esquece a canção de amanhã.|Perché così, città è più bella di sera?
Zażółć gęślą jaźň, rzekł żółw.|Příliš žluťoučký kůň úpěl ďábelské ódy.
Árvíztűrő tükörfúrógép.|Țara și bălțile sunt în ceață.
Hvorfor er høsten så kjølig på øya?|Smörgåsbord på sjön är häftigt.
Kaunis yö äiti ääressä.|Þetta er íslenska með ð og æ.
Žodžiai lietuviškai: ąčęėįšųūž.|Õhtul sööme köögis jäätist.
Быстрая коричневая лиса прыгает через ленивую собаку.|Съешь ещё этих мягких французских булок.
Їжак з'їв ґрунтову грушу.|Шта је ово? Ђаци, љубав и њива.
Γρήγορη καφέ αλεπού πηδάει πάνω από το σκυλί.|Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
אני אוהב לקרוא ספרים בערב.|שָׁלוֹם עֲלֵיכֶם
الثعلب البني السريع يقفز فوق الكلب الكسول.|كِتَابٌ مُفِيدٌ جِدًّا
روباه قهوه‌ای سریع از روی سگ تنبل می‌پرد.|پاکستان میں اردو بولی جاتی ہے۔
तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है।|क्षत्रिय और ज्ञान
দ্রুত বাদামী শিয়াল অলস কুকুরের উপর লাফ দেয়।|ਪੰਜਾਬੀ ਭਾਸ਼ਾ ਬਹੁਤ ਸੋਹਣੀ ਹੈ।
ઝડપી શિયાળ કૂતરા ઉપર કૂદે છે.|ଦ୍ରୁତ କୋକିଶିଆଳି
விரைவான பழுப்பு நரி சோம்பேறி நாயின் மேல் குதிக்கிறது.|వేగవంతమైన నక్క కుక్క మీద దూకింది.
ವೇಗದ ಕಂದು ನರಿ ನಾಯಿಯ ಮೇಲೆ ಹಾರುತ್ತದೆ.|വേഗതയുള്ള കുറുക്കൻ നായയുടെ മുകളിലൂടെ ചാടുന്നു.
ඉක්මන් දුඹුරු නරියා බල්ලා උඩින් පනියි.|สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ
ໝາຈອກສີນ້ຳຕານ|မြန်ဆန်သော မြေခွေး|កញ្ជ្រោងលោតពីលើឆ្កែ
敏捷的棕色狐狸跳过了懒狗。|今天天气很好，我们去公园吧！|漢字簡體與繁體
素早い茶色の狐がのろまな犬を飛び越える。|カタカナとひらがな、ｶﾀｶﾅ、漢字。
빠른 갈색 여우가 게으른 개를 뛰어넘는다.|안녕하세요? 반갑습니다!
Nhanh như chớp, con cáo nâu nhảy qua con chó lười biếng.|Tiếng Việt có nhiều dấu thanh.
Hızlı kahverengi tilki İstanbul'da ığdır üzerinden atlar.|Azərbaycan dili gözəldir.
სწრაფი ყავისფერი მელა|Արագ շագանակագույն աղվեսը|ፈጣን ቡናማ ቀበሮ
ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ|ᐃᓄᒃᑎᑐᑦ|ᠮᠣᠩᠭᠣᠯ ᠬᠡᠯᠡ|བོད་སྐད་|ⵜⴰⵎⴰⵣⵉⵖⵜ|𐌰𐌱𐌲 𐍈𐍉|𝕬𝖇𝖈 𝓍𝓎𝓏 ℕ⊂ℝ
""".replace("\n", "|").strip("|").split("|")

CODE = r'''
def add(a: int, b=2) -> int:§    """Sum."""§    return a + b  # done
for (int i = 0; i < n; ++i) {§    total += data[i] * 0x1F;§}
#include <vector>§#define MAX(a,b) ((a)>(b)?(a):(b))
const f = async (x) => { await fetch(`https://example.org/${x}?q=1&r=%20`); };
SELECT name, COUNT(*) FROM users WHERE id >= 10 AND email LIKE '%@x.org' GROUP BY 1;
<div class="row"><a href='#top'>&nbsp;Up&lt;/a></div><!-- note -->
{"key": [1, 2.5, -3e-7, null, true], "nested": {"a": "b\\n"}}
fn main() -> Result<(), Box<dyn Error>> { println!("{:?}", x?); Ok(()) }
if [[ -z "$HOME" ]]; then echo "no $1" >&2 && exit 1; fi
\begin{align} \frac{\partial f}{\partial x} &= \sum_{i=1}^{n} x_i^2 \\ \end{align}
lambda: (x for x in range(10) if x % 2 == 0)§§§class A(B):§	def __init__(self):§		super().__init__()
git commit -m "fix: don't crash on ''" && git push --force-with-lease
std::unordered_map<std::string, std::vector<int>>::const_iterator it;
| a | b |§|---|:-:|§| **1** | `2` |§§* item§  1. sub§> quote
import numpy as np; W = Q + L @ R; assert np.allclose(W, W.T.T, atol=1e-6)
^(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]+)@(?:\d{1,3}\.){3}\d{1,3}$
'''.strip().split("\n")
CODE = [line.replace("§", "\n") for line in CODE]

EMOJI = ("😀 😂🤣 ❤️ ❤ 👍🏽 👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🏴‍☠️ 🇩🇪🇯🇵 🇺🇳 1️⃣ #️⃣ ☺︎ ☺️ 🧑🏿‍🚀 🫠 🤷‍♀️ 🦶🏻 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ©️ ™ ⏱️ 🀄 ♠️ 🈶 🫱🏼‍🫲🏿 "
         "👁️‍🗨️ 🐻‍❄️ ✈️ ☎").split(" ")
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\x85", "\u00a0", "\u1680", "\u180e", "\u2003",
          "\u2009", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff", "\n\n", " \n ", "\t\t", "\x1c", "\x1f"]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>",
            "<|start_header_id|>", "<|end_header_id|>", "<repo_name>", "<file_sep>", "<tool_call>", "</tool_call>",
            "<mask>", "<pad>", "<left>", "<right>", "<both>", "word", "Ångström", "<|im_", "im_end|>", "<|im_end|", "<<|im_end|>>"]
NUMBERS = ["0", "1", "12", "123", "1234", "12345", "3.14159", "1,234,567.89", "1e-10", "-42", "+7", "0xDEADBEEF", "1/2",
           "50%", "$9.99", "٠١٢٣٤٥٦٧٨٩", "१२३४", "๑๒๓", "一二三", "Ⅳ Ⅻ ⅷ", "½ ¾ ⅓", "x² y³ z⁴ a₁", "①②③ ⑽", "𝟏𝟐𝟑", "१a२", "2026-11-21T10:20:30Z",
           "192.168.0.1", "v1.2.3-rc4", "1st 2nd 3rd", "007", "1000000000000000000000", "৳১২৩", "𑁦𑁧", "〇〡〢"]
CONTRACTIONS = ["I'm I'M i'M", "you'll YOU'LL you'Ll", "they've THEY'VE", "he'd HE'D", "it's IT'S it\u2019s", "can't CAN'T 'twas",
                "we're WE'RE", "'s't're", "don'\u017f", "'\u017f", "rock'n'roll", "o'clock's", "''s", "'S'T'M'D", "a'b'c", "'lle 'll", "'ve'RE"]
WORDS = "the a of transformer antidisestablishmentarianism naïve coöperate X Y2K foo_bar fooBar HTTPServer über 東京 мир don't".split()


def assigned(low, high):
    return [chr(c) for c in range(low, high) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


def unicode_strings(rng):
    blocks = [(low, low + 0x80) for low in range(0x80, 0x3000, 0x80)]
    blocks += [(low, low + 0x400) for low in range(0x3000, 0xD7FF, 0x1800)]
    blocks += [(low, low + 0x100) for low in range(0xF900, 0x10000, 0x100)]
    blocks += [(low, low + 0x100) for low in range(0x10000, 0x12500, 0x100)]
    blocks += [(low, low + 0x100) for low in range(0x1D000, 0x1FC00, 0x100)] + [(0x20000, 0x20400), (0xE0000, 0xE0200)]
    for low, high in blocks:
        characters = assigned(low, high)
        for length in (5, 17) if characters else ():
            text = "".join(rng.choice(characters) for _ in range(length))
            yield text if length == 5 else text[:9] + " " + text[9:]


def normalization_strings(rng):
    marks = assigned(0x300, 0x370) + assigned(0x591, 0x5C8) + assigned(0x64B, 0x656) + ["\u3099", "\u309a", "\u0f71", "\u0f72", "\u0f74"]
    for sentence in SENTENCES:
        yield unicodedata.normalize("NFD", sentence)
        yield unicodedata.normalize("NFKD", sentence)
    for _ in range(60):
        bases = [rng.choice("aeiouAEIOUncszyqkxかきはホ가한क") for _ in range(4)]
        yield "".join(base + "".join(rng.sample(marks, rng.randint(1, 4))) for base in bases)
    singles = "\u212b\u2126\u1f71\u0344\u0958\ufb1d\uf900\u2adc\u1100\u1161\u11a8\u0915\u093c\u0340\u0341\u0374\u037e\u0387\ufb01\u3300\u1e9b\u0323"
    yield from singles
    yield from (a + b for a, b in zip(singles, singles[1:]))
    yield from ("A\u030angstro\u0308m", "\u0041\u030angström A\u030a", "\u1e0b\u0323", "\u0064\u0323\u0307", "한글" + unicodedata.normalize("NFD", "한글"))


def pieces(rng, pools, low, high):
    return "".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(low, high)))


def make_strings():
    rng = random.Random(20261121)
    strings = ["", " ", "\n", "a", " a", "a "] + SENTENCES + CODE + EMOJI + SPACES + SPECIALS + NUMBERS + CONTRACTIONS
    strings += list(unicode_strings(rng)) + list(normalization_strings(rng))
    strings += [pieces(rng, [EMOJI], 2, 5) for _ in range(60)] + [pieces(rng, [EMOJI, WORDS, [" "]], 3, 8) for _ in range(90)]
    strings += [pieces(rng, [SPACES], 2, 7) for _ in range(130)] + [pieces(rng, [SPACES, WORDS, ["x", "1", "."]], 3, 9) for _ in range(200)]
    strings += [pieces(rng, [SPECIALS], 1, 4) for _ in range(80)] + [pieces(rng, [SPECIALS, WORDS, SPACES], 3, 9) for _ in range(170)]
    strings += [pieces(rng, [NUMBERS, [" ", "", ",", "a", "-"]], 2, 6) for _ in range(120)] + [str(rng.getrandbits(rng.randint(4, 120))) for _ in range(60)]
    strings += [pieces(rng, [CONTRACTIONS, WORDS, [" ", "'"]], 2, 6) for _ in range(60)]
    strings += ["".join(chr(rng.randint(0, 127)) for _ in range(rng.randint(1, 30))) for _ in range(120)]
    strings += ["".join(rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \n") for _ in range(rng.randint(2, 25))) for _ in range(80)]
    strings += ["a" * 700, "ab" * 400, "é" * 300, "東" * 300, " " * 600, "\n" * 300, "😀" * 120, "1" * 400, "." * 500, "\u0301" * 50,
                "Donau" + "dampf" * 80 + "schiff", "x" * 300 + " " * 300 + "y", " \n" * 150, "<|im_end|>" * 40, "the" * 200]
    strings += ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(60, 400))) for _ in range(25)]
    strings += [rng.choice(CODE)[rng.randint(0, 20):] + rng.choice(SPACES) + rng.choice(CODE)[:rng.randint(5, 60)] for _ in range(80)]
    pools = [SENTENCES, CODE, EMOJI, SPACES, SPECIALS, NUMBERS, CONTRACTIONS, WORDS, SPACES, WORDS]
    strings += [pieces(rng, pools, 2, 7)[:160] for _ in range(450)]
    # The reference's NFC knows Unicode 9; marks that came later would test its age.
    nfc = normalizers.NFC()
    return [s for s in dict.fromkeys(strings) if nfc.normalize_str(s) == unicodedata.normalize("NFC", s)]


def train(tokenizer, size, strings, specials):
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    # Special marks must not become ordinary tokens.
    texts = [s for s in strings if "<|" not in s and "|>" not in s and len(s) < 500]
    tokenizer.train_from_iterator(texts + ["the transformer of the world " * 5] * 3, trainer)
    tokenizer.add_special_tokens(specials)
    return tokenizer


def split_tokenizer(pattern, **settings):
    tokenizer = Tokenizer(models.BPE(**settings))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def qwen2(strings):
    tokenizer = split_tokenizer(QWEN2)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    train(tokenizer, 1400, strings, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    # Qwen2.5 adds tokens that are not special.
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    return tokenizer


def llama3(strings):
    tokenizer = split_tokenizer(LLAMA3, ignore_merges=True)
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    train(tokenizer, 1400, strings, specials)
    # A whole piece that no merge leads to: only ignore_merges finds it.
    data = json.loads(tokenizer.to_str())
    next_id = tokenizer.get_vocab_size()
    for word in ("Ġantidisestablishmentarianism", "Y2K"):
        data["model"]["vocab"][word] = next_id
        next_id += 1
    tokenizer = Tokenizer.from_str(json.dumps(data))
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B:1",
                                      special_tokens=[("<|begin_of_text|>", begin)])])
    return tokenizer


def gpt2(strings):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return train(tokenizer, 1000, strings, ["<|endoftext|>"])


def options(strings):
    """Every option of added tokens and the rarer pre-tokenizer settings."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("|", behavior="removed"), pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.ByteLevel(add_prefix_space=True)])
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, 700, strings, [AddedToken("<mask>", lstrip=True, normalized=False), AddedToken("<pad>", normalized=False)])
    tokenizer.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                          AddedToken("<both>", lstrip=True, rstrip=True, normalized=True),
                          AddedToken("word", single_word=True, normalized=False), AddedToken("Ångström", normalized=True)])
    return tokenizer


def smollm2(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([t for t, kind in zip(tokens, types) if kind == gguf.TokenType.CONTROL])
    return tokenizer


def digest(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()[:8]


def digests(tokenizer, strings):
    """Per string: digest of the whole text's ids, and of the ids as a fragment without special tokens."""
    tokenizer.encode_special_tokens = False
    parsed = [digest(tokenizer.encode(s).ids) for s in strings]
    tokenizer.encode_special_tokens = True
    as_text = [digest(tokenizer.encode(s, add_special_tokens=False).ids) for s in strings]
    tokenizer.encode_special_tokens = False
    return [a + b for a, b in zip(parsed, as_text)]


def main():
    ROOT.mkdir(exist_ok=True)
    strings = make_strings()
    print(len(strings), "strings")
    (ROOT / "strings.json").write_text(json.dumps(strings, ensure_ascii=False, indent=0) + "\n", newline="")
    made = {"qwen2": qwen2(strings), "llama3": llama3(strings), "gpt2": gpt2(strings), "options": options(strings)}
    for name, tokenizer in made.items():
        (ROOT / f"{name}.json").write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False) + "\n")
    made["smollm2"] = smollm2(sys.argv[1])
    result = {name: "".join(digests(tokenizer, strings)) for name, tokenizer in made.items()}
    (ROOT / "digests.json").write_text(json.dumps(result, indent=0) + "\n")


if __name__ == "__main__":
    main()
