"""Corpus folders as their owners distribute them, one per reader, with what real folders hold besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ser_bench.corpora import Corpus, known_readers, load_corpus
from ser_bench.corpora.files import find_audio
from ser_bench.errors import WrongCall

STRAY = ("._{0}", ".DS_Store", "README.txt")


@dataclass(frozen=True)
class Tree:
    """What lies in a corpus folder, and what is read from it.

    Parameters
    ----------
    rows : mapping
        Sound file to emotion, speaker and gender.
    stray : tuple of str
        Files that belong to no clip; sound files among them are to be named as ignored.
    tables : mapping of str to str
        Other files, with their text.
    columns : mapping
        Of the first file: further columns.
    protocol : str, optional
    unlabelled : tuple of str
        Sound files of the corpus that have no label.
    """

    rows: dict[str, tuple[str, str, str]]
    stray: tuple[str, ...] = ()
    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    protocol: str | None = None
    unlabelled: tuple[str, ...] = ()


def iemocap_labels(*rows: str) -> str:
    turns = "\n\n".join(f"{row}\nC-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()" for row in rows)
    return f"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n{turns}\n"


def improv_labels(*rows: str) -> str:
    return "\n".join(f"{row}; A:3.1; V:2.4; D:3.0 ; N:3.5;\nP01; Angry; A:4;\n" for row in rows)


PODCAST = """FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
MSP-PODCAST_0001_0008.wav,N,2.2,4.0,2.6,30,Male,Test1
MSP-PODCAST_0002_0039.wav,H,4.4,5.8,4.4,127,Female,Train
MSP-PODCAST_0002_0040.wav,A,5.4,2.0,5.4,Unknown,Female,Train
MSP-PODCAST_0003_0051_0001.wav,U,4.4,4.2,4.4,12,Male,Development
MSP-PODCAST_0004_0002.wav,D,4.4,2.2,4.4,99,Male,Test2
MSP-PODCAST_0002_0041.wav,X,4.4,4.2,4.4,127,Female,Train
"""


TREES: dict[str, Tree] = {
    "shemo": Tree(
        rows={
            "shemo/female/F01A01.wav": ("anger", "F01", "female"),
            "shemo/female/F21W03.WAV": ("surprise", "F21", "female"),
            "shemo/male/M46N05.wav": ("neutral", "M46", "male"),
            "shemo/male/M46F02.wav": ("fear", "M46", "male"),
        },
        stray=("shemo/transcript/F01A01.ort", "shemo/noise.wav"),
        protocol="group:6",
    ),
    "urdu": Tree(
        rows={
            "URDU-Dataset-master/Angry/SM1_F01_A12.wav": ("anger", "SM1", "male"),
            "URDU-Dataset-master/Happy/SF11_F2_H002.wav": ("happiness", "SF11", "female"),
            "URDU-Dataset-master/Sad/SM1_F03_S01.Wav": ("sadness", "SM1", "male"),
            "URDU-Dataset-master/Neutral/SM1_F4_N04.wav": ("neutral", "SM1", "male"),
        },
        protocol="group:6",
    ),
    "aesdd": Tree(
        rows={
            "Acted Emotional Speech Dynamic Database/anger/a03 (4).wav": ("anger", "4", ""),
            "Acted Emotional Speech Dynamic Database/sadness/s01(1).wav": ("sadness", "1", ""),
            "Acted Emotional Speech Dynamic Database/happiness/h20 (6)b.WAV": ("happiness", "6", ""),
        },
        stray=("Acted Emotional Speech Dynamic Database/Tools/intro.mp3",),
        columns={"sentence": "03", "language": "el"},
    ),
    "cafe": Tree(
        rows={
            "CaFE_48k/Colère/Faible/01-C-1-1.wav": ("anger", "01", "male"),
            "CaFE_48k/Colère/Fort/02-C-2-6.wav": ("anger", "02", "female"),
            "CaFE_48k/Neutre/12-N-1-3.WAV": ("neutral", "12", "female"),
            "CaFE_48k/Peur/Fort/11-P-2-5.wav": ("fear", "11", "male"),
        },
        stray=("CaFE_192k/Colère/Faible/01-C-1-1.aiff",),
        columns={"intensity": "weak", "sentence": "1"},
        protocol="loso",
    ),
    "enterface": Tree(
        rows={
            "enterface database/subject 11/anger/sentence 1/s12_an_1.wav": ("anger", "11", ""),
            "enterface database/subject 12/anger/sentence 1/s12_an_1.wav": ("anger", "12", ""),
            "enterface database/subject 16/surprise/sentence 3/s16_su_3avi.wav": ("surprise", "16", ""),
            "enterface database/subject 3/happiness/sentence 1/s_3_ha_1.WAV": ("happiness", "3", ""),
            "enterface database/subject 6/disgust/s6_di.wav": ("disgust", "6", ""),
            "flat/s44_sa_5.wav": ("sadness", "44", ""),
        },
        stray=("enterface database/subject 12/anger/sentence 1/s12_an_1.avi", "enterface database/Thumbs.db"),
        columns={"sentence": "1"},
        protocol="group:6",
    ),
    "jl-corpus": Tree(
        rows={
            "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.wav": ("anger", "female1", "female"),
            "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male2_excited_7b_2.WAV": ("excitement", "male2", "male"),
            "Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/male1_apologetic_15a_1.wav": ("apologetic", "male1", "male"),
        },
        stray=("Raw JL corpus (unchecked and unannotated)/JL(wav+txt)/female1_angry_10a_1.txt",),
        columns={"sentence": "10a", "take": "1"},
        protocol="loso",
    ),
    "mesd": Tree(
        rows={
            "Mexican Emotional Speech Database (MESD)/Anger_F_A_tarde.wav": ("anger", "women", "female"),
            "Mexican Emotional Speech Database (MESD)/Happiness_C_A_de_nada.wav": ("happiness", "children", ""),
            "Mexican Emotional Speech Database (MESD)/Neutral_M_B_extenso.WAV": ("neutral", "men", "male"),
        },
        columns={"sentence": "tarde"},
        protocol="loso",
    ),
    "oreau": Tree(
        rows={
            "OréauFR_02/f/sessj/10a02Ja.wav": ("happiness", "10", "female"),
            "OréauFR_02/f/sessn/11a02Na.wav": ("neutral", "11", "female"),
            "OréauFR_02/m/sesst/24b10Ta.WAV": ("sadness", "24", "male"),
            "OréauFR_02/m/sessc/13a06Ca.wav": ("anger", "13", "male"),
        },
        stray=("OréauFR_02/contents.txt",),
        columns={"sentence": "a02"},
    ),
    "subesco": Tree(
        rows={
            "SUBESCO/F_01_OISHI_S_10_ANGRY_1.wav": ("anger", "F_01", "female"),
            "SUBESCO/M_01_EMON_S_2_NEUTRAL_5.wav": ("neutral", "M_01", "male"),
            "SUBESCO/M_10_TITAS_S_2_SURPRISE_5.WAV": ("surprise", "M_10", "male"),
        },
        columns={"sentence": "10", "take": "1"},
        protocol="group:6",
    ),
    "turev-db": Tree(
        rows={
            "Sound Source/Calm/1984_sk_eger.wav": ("calm", "1984", ""),
            "Sound Source/Angry/7895_kz_su isitici.WAV": ("anger", "7895", ""),
            "Sound Source/Happy/1984_mt_dil.wav": ("happiness", "1984", ""),
        },
        stray=("Spectrograms/Calm/1984_sk_eger.png", "Sound Source/count.wav"),
        columns={"sentence": "eger"},
    ),
    "baved": Tree(
        rows={
            "BAVED/2/1-m-21-2-0-105.wav": ("low", "1", "male"),
            "BAVED/0/25-F-19-0-2-7.WAV": ("high", "25", "female"),
            "BAVED/0/25-F-19-0-1-8.wav": ("normal", "25", "female"),
        },
        columns={"age": "21", "sentence": "2", "original": "0"},
    ),
    "emov-db": Tree(
        rows={
            "bea/Amused/amused_1-15_0001.wav": ("amusement", "bea", "female"),
            "jenie_Disgusted/disgust_57-84_0057.WAV": ("disgust", "jenie", "female"),
            "sam/Sleepy/sleepiness_1-28_0002.wav": ("sleepiness", "sam", "male"),
            "josh_Neutral/neutral_1-28_0002.wav": ("neutral", "josh", "male"),
        },
        stray=("bea/Amused/amused_1-15.TextGrid", "cmuarctic.data"),
        columns={"sentence": "0001"},
        protocol="loso",
    ),
    "casia": Tree(
        rows={
            "casia/wangzhe/angry/201.wav": ("anger", "wangzhe", ""),
            "casia/liuchanhg/neutral/250.WAV": ("neutral", "liuchanhg", ""),
            "casia/ZhaoZuoxiang/surprise/201.wav": ("surprise", "ZhaoZuoxiang", ""),
        },
        columns={"sentence": "201"},
    ),
    "nemo": Tree(
        rows={
            "nEMO-main/samples/EB0_anger_1.wav": ("anger", "EB0", "female"),
            "nEMO-main/samples/WR0_surprised_64.WAV": ("surprise", "WR0", "male"),
        },
        tables={
            "nEMO-main/data.tsv": "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
            "WR0_surprised_64.wav\tsurprised\t„Ród” to, ucho.\tród to ucho\t        WR0\tmale\t23\n"
            "EB0_anger_1.wav\tanger\tLubię czytać.\tlubię czytać\t        EB0\tfemale\t27\n",
        },
        columns={"age": "27", "sentence": "1", "text": "Lubię czytać."},
        protocol="loso",
    ),
    "emns": Tree(
        rows={
            "EMNS/wavs/recorded_audio_3aCYrjz.wav": ("sadness", "3", "female"),
            "EMNS/wavs/recorded_audio_e7C4hFL.WAV": ("sarcasm", "3", "female"),
        },
        stray=("EMNS/cleaned_webm/recorded_audio_3aCYrjz.webm",),
        tables={
            "EMNS/metadata.csv": "id|utterance|description|emotion|status|gender|age|level|audio_recording|user_id\n"
            '454|There are two, indeed.|"A {emotion} voice said ""so""."|Sad|Complete|female|20s|7|wavs/recorded_audio_3aCYrjz.webm|3\n'
            "608|This arises.|{user_id} said|Sarcastic|Complete|female|20s|2|wavs/recorded_audio_e7C4hFL.webm|3\n",
        },
        columns={"intensity": "7", "sentence": "There are two, indeed."},
    ),
    "iemocap": Tree(
        rows={
            "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav": ("neutral", "Ses01F", "female"),
            "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M001.WAV": ("anger", "Ses01M", "male"),
            "Session5/sentences/wav/Ses05M_script01_1b/Ses05M_script01_1b_F012.wav": ("excitement", "Ses05F", "female"),
        },
        unlabelled=("Session5/sentences/wav/Ses05M_script01_1b/Ses05M_script01_1b_M002.wav",),
        stray=(
            "Session1/dialog/wav/Ses01F_impro01.wav",
            "Session1/dialog/avi/DivX/Ses01F_impro01.avi",
            "Session1/sentences/ForcedAlignment/Ses01F_impro01/Ses01F_impro01_F000.wdseg",
            "Session1/sentences/wav/Ses01F_impro01/._Ses01F_impro01_F000.wav",
        ),
        tables={
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": iemocap_labels(
                "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]",
                "[10.0100 - 11.3925]\tSes01F_impro01_M001\tang\t[2.0000, 4.5000, 3.5000]",
            ),
            "Session5/dialog/EmoEvaluation/Ses05M_script01_1b.txt": iemocap_labels(
                "[1.2901 - 2.2357]\tSes05M_script01_1b_F012\texc\t[4.5000, 3.5000, 2.5000]",
                "[3.2901 - 4.2357]\tSes05M_script01_1b_M002\txxx\t[2.5000, 2.5000, 2.5000]",
            ),
            "Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt": "Ses01F_impro01_F000 :Neutral; ()\n",
        },
        columns={"fold": "Ses01", "kind": "impro", "session": "Ses01", "valence": "2.5000"},
        protocol="predefined",
    ),
    "msp-improv": Tree(
        rows={
            "MSP-IMPROV/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav": ("neutral", "F01", "female"),
            "MSP-IMPROV/session6/S20H/T/MSP-IMPROV-S20H-M06-T-MF02.WAV": ("happiness", "M06", "male"),
        },
        unlabelled=("MSP-IMPROV/session6/S20H/R/MSP-IMPROV-S20H-M06-R-MF02.wav",),
        stray=("MSP-IMPROV/session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.avi",),
        tables={
            "MSP-IMPROV/Evalution.txt": improv_labels(
                "UTD-IMPROV-S01A-F01-P-FM01.avi; N", "UTD-IMPROV-S20H-M06-T-MF02.avi; H", "UTD-IMPROV-S20H-M06-R-MF02.avi; X"
            ),
        },
        columns={"fold": "session1", "intended": "A", "kind": "P", "sentence": "S01", "arousal": "3.1"},
        protocol="predefined",
    ),
    "msp-podcast": Tree(
        rows={
            "Audios/MSP-PODCAST_0001_0008.wav": ("neutral", "30", "male"),
            "Audios/MSP-PODCAST_0002_0039.WAV": ("happiness", "127", "female"),
            "Audios/MSP-PODCAST_0002_0040.wav": ("anger", "unknown of podcast 0002", "female"),
            "Audios/MSP-PODCAST_0003_0051_0001.wav": ("surprise", "12", "male"),
            "Audios/MSP-PODCAST_0004_0002.wav": ("disgust", "99", "male"),
        },
        unlabelled=("Audios/MSP-PODCAST_0002_0041.wav",),
        stray=("Transcripts/MSP-PODCAST_0001_0008.txt", "Audios/MSP-PODCAST_test3_0001.wav"),
        tables={"Labels/labels_consensus.csv": PODCAST},
        columns={"fold": "test", "partition": "Test1", "arousal": "2.2"},
        protocol="predefined",
    ),
    "meld": Tree(
        rows={
            "MELD.Raw/train/train_splits/dia0_utt0.wav": ("neutral", "Chandler", ""),
            "MELD.Raw/train/train_splits/dia0_utt1.WAV": ("surprise", "The Interviewer", ""),
            "MELD.Raw/dev/dev_splits_complete/dia0_utt0.wav": ("sadness", "Phoebe", ""),
            "MELD.Raw/test/output_repeated_splits_test/dia0_utt0.wav": ("happiness", "Chandler", ""),
        },
        unlabelled=("MELD.Raw/test/output_repeated_splits_test/dia0_utt9.wav", "MELD.Raw/train/train_splits/dia1_utt0.wav"),
        stray=(
            "MELD.Raw/train/train_splits/dia0_utt0.mp4",
            "MELD.Raw/test/output_repeated_splits_test/._dia0_utt0.mp4",
            "MELD.Raw/test/output_repeated_splits_test/final_videos_testdia0_utt0.wav",
        ),
        tables={
            "MELD.Raw/train/train_sent_emo.csv": "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,StartTime\n"
            '1,"also I was, well",Chandler,neutral,neutral,0,0,"00:16:16,059"\n'
            '2,You must’ve had,The Interviewer,surprise,positive,0,1,"00:16:21,940"\n'
            '3,Hi!,Ross and Joey,joy,positive,1,0,"00:16:21,940"\n',
            "MELD.Raw/dev_sent_emo.csv": "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"
            "1,Oh my God,Phoebe,sadness,negative,0,0\n2,Hm,Phoebe,anger,negative,0,1\n",
            "MELD.Raw/test_sent_emo.csv": "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"
            "1,Why,Chandler,joy,positive,0,0\n",
        },
        columns={"fold": "train", "sentiment": "neutral", "dialogue": "train 0"},
        protocol="group:6",
    ),
}
"""One per reader."""


def read(name: str, folder: Path) -> Corpus:
    """The corpus of a folder; EMNS, with its one speaker, by its reader alone."""
    return known_readers()[name]().read(folder, find_audio(folder)) if name == "emns" else load_corpus(folder)


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(WrongCall) as caught:
        read(name, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)
