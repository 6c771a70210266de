using ModelBuildTasks.Items;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Fingerprints
{
    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(8)]
    [DataRow(262_144)]
    [DataRow(262_149)]
    public void The_same_bytes_have_the_same_fingerprint(int length) =>
        Assert.AreEqual(Fingerprint.OfStream(new MemoryStream(Bytes(length))), Fingerprint.OfStream(new MemoryStream(Bytes(length))));

    [TestMethod]
    [DataRow(1)]
    [DataRow(8)]
    [DataRow(262_144)]
    [DataRow(262_149)]
    public void A_change_of_the_last_byte_changes_it(int length)
    {
        var changed = Bytes(length);
        changed[^1] ^= 0x80;

        Assert.AreNotEqual(Fingerprint.OfStream(new MemoryStream(Bytes(length))), Fingerprint.OfStream(new MemoryStream(changed)));
    }

    [TestMethod]
    public void Zeros_more_or_less_change_it() =>
        Assert.AreNotEqual(Fingerprint.OfStream(new MemoryStream(new byte[9])), Fingerprint.OfStream(new MemoryStream(new byte[10])));

    // The highest bit of a word stays where it is in a product: signs that change must not cancel each other out.
    [TestMethod]
    public void Weights_of_the_opposite_sign_do_not_cancel_out()
    {
        var whole = Bytes(48);
        HashSet<string> seen = [];
        for (var signs = 0; signs < 1 << 12; signs++)
        {
            var changed = (byte[])whole.Clone();
            for (var weight = 0; weight < 12; weight++)
            {
                changed[(4 * weight) + 3] ^= (byte)((signs >> weight & 1) << 7);
            }

            Assert.IsTrue(seen.Add(Fingerprint.OfStream(new MemoryStream(changed))), $"The signs {signs:b12} have the fingerprint of others.");
        }
    }

    [TestMethod]
    public void Of_a_stream_that_ends_early_there_is_none() =>
        Assert.ThrowsExactly<EndOfStreamException>(() => Fingerprint.OfStream(new Promising(length: 100)));

    [TestMethod]
    public void Texts_that_differ_have_different_ones() =>
        Assert.AreNotEqual(Fingerprint.OfText("a.onnx|12"), Fingerprint.OfText("a.onnx|21"));

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    // A file that was cut while it was read.
    private sealed class Promising(long length) : MemoryStream
    {
        public override long Length => length;
    }
}
