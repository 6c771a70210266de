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

    [TestMethod]
    public void Two_weights_of_the_opposite_sign_do_not_cancel_out()
    {
        // The highest bit of two words: a product alone would keep both where they are.
        var changed = Bytes(800);
        changed[8 + 7] ^= 0x80;
        changed[80 + 7] ^= 0x80;

        Assert.AreNotEqual(Fingerprint.OfStream(new MemoryStream(Bytes(800))), Fingerprint.OfStream(new MemoryStream(changed)));
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
