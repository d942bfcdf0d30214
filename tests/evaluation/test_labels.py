"""The labels contract and its errors."""

from pathlib import Path

import numpy as np
import pytest

from samekind.errors import UsageError
from samekind.evaluation.labels import read_labels

HEADER = "path,label,coarse,split,subset\n"


def write(folder: Path, text: str, pictures: tuple[str, ...] = ("a.jpg", "b.jpg", "c.jpg")) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in pictures:
        (folder / name).write_bytes(b"x")
    file = folder / "labels.csv"
    file.write_text(text, "utf-8")
    return file


def test_reads_columns_by_name_and_leaves_others(tmp_path):
    text = 'split,wnid,label,path,coarse\nboth,n1,Golden Delicious,a.jpg,Apple\ngallery,n2,"pear, green",b.jpg,\n'
    (read,) = read_labels([write(tmp_path / "fruit", text)])
    assert read.name == "fruit"
    assert read.paths == ("a.jpg", "b.jpg")
    assert read.labels == ("Golden Delicious", "pear, green")
    assert read.coarse == ("Apple", "")
    assert list(read.asked) == [True, False]
    assert list(read.searched) == [True, True]
    assert read.take(np.array([1])).paths == ("b.jpg",)


def test_a_folder_stands_for_its_labels_file(tmp_path):
    write(tmp_path / "fruit", "\ufeff" + HEADER + "a.jpg,pear,,query,\n\n")
    (read,) = read_labels([tmp_path / "fruit"])
    assert list(read.searched) == [False]


def test_sets_have_names_that_differ(tmp_path):
    files = [write(tmp_path / one / "fruit", HEADER + "a.jpg,pear,,both,\n") for one in ("left", "right")]
    assert [read.name for read in read_labels(files)] == ["left/fruit", "right/fruit"]
    other = files[0].with_name("more.csv")
    other.write_text(files[0].read_text())
    assert [read.name for read in read_labels([files[0], other])] == ["labels", "more"]
    with pytest.raises(UsageError, match="named twice"):
        read_labels([files[0], files[0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label,split\na.jpg,pear,both\n", "line 1: no column coarse"),
        ("", "line 1: no column path"),
        (HEADER, "lists no pictures"),
        (HEADER + "a.jpg,pear,,both,\nd.jpg,pear,,both,\n", "line 3: there is no picture d.jpg"),
        (HEADER + "a.jpg,pear,,test,\n", "line 2: the split is 'test'"),
        (HEADER + "a.jpg,pear,,,\n", "line 2: the split is ''"),
        (HEADER + "a.jpg,,,both,\n", "line 2: the label is empty"),
        (HEADER + ",pear,,both,\n", "line 2: the path is empty"),
        (
            HEADER + "a.jpg,pear,,both,\nb.jpg,pear,,both,\n./a.jpg,fig,,both,\n",
            "line 4: a.jpg is listed already on line 2",
        ),
        (HEADER + "a.jpg,pear\n", "line 2: 2 fields where the header names 5"),
        (HEADER + "../a.jpg,pear,,both,\n", "line 2: ../a.jpg leaves the folder"),
        (HEADER + "/a.jpg,pear,,both,\n", "line 2: /a.jpg leaves the folder"),
        (HEADER + 'a.jpg,"pe"ar,,both,\n', "line 2: .*mend the quotes"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        read_labels([write(tmp_path / "fruit", text)])


def test_other_errors(tmp_path):
    with pytest.raises(UsageError, match="nothing to evaluate"):
        read_labels([])
    with pytest.raises(UsageError, match="There is no labels file"):
        read_labels([tmp_path / "none.csv"])
    file = tmp_path / "labels.csv"
    file.write_bytes(HEADER.encode() + b"a.jpg,p\xe4r,,both,\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_labels([file])


@pytest.mark.shared
def test_reads_the_real_sets():
    data = Path(__file__).parents[2].parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("wants the labelled pictures: the folder shared beside the checkout is not there")
    sets = {read.name: read for read in read_labels(sorted(data.glob("*/labels.csv")))}
    assert len(sets["birds"]) == 600
    assert len(set(sets["grocery"].labels)) == 81
    assert sets["ikea"].asked.sum() < len(sets["ikea"])
