using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using StbImageWriteSharp;

namespace ModelBuildTasks.Inference.Tests.Data;

/// <summary>Whatever happens to a file, the answer is samples or a <see cref="DatasetException"/>, in bounded memory.</summary>
[TestClass]
public sealed class DamagedDataTests
{
    private const int Rounds = 300;
    private const long MostBytes = 64 << 20;

    [TestMethod]
    [DataRow("x.npy")]
    [DataRow("x.npz")]
    [DataRow("x.idx")]
    [DataRow("x.idx.gz")]
    [DataRow("x.csv")]
    [DataRow("x.jsonl")]
    [DataRow("image.png")]
    [DataRow("image.jpg")]
    [DataRow("test_data_set_0/input_0.pb")]
    [DataRow("dataset.json")]
    public void Damaged_files_end_in_a_data_set_error(string name)
    {
        using TemporaryFolder folder = new();
        byte[] whole = Whole(folder, name);
        TensorSignature input = name.StartsWith("image", StringComparison.Ordinal) ? TemporaryFolder.Input("N", 3, 8, 8) : TemporaryFolder.Input("N", 4);
        Random random = new(7);
        for (int round = 0; round < Rounds; round++)
        {
            byte[] damaged = Damage(whole, random);
            folder.Write(name, damaged);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                foreach (Sample sample in folder.Open(name.StartsWith('x') ? name : ".", input).Read())
                {
                    Assert.HasCount(1, sample.Inputs);
                }
            }
            catch (DatasetException)
            {
            }
            catch (Exception exception)
            {
                Assert.Fail($"Round {round}: {Convert.ToHexString(damaged)}: {exception}");
            }

            Assert.IsLessThan(MostBytes, GC.GetAllocatedBytesForCurrentThread() - before, $"Round {round}: {Convert.ToHexString(damaged)}");
        }
    }

    private static byte[] Damage(byte[] whole, Random random)
    {
        byte[] damaged = random.Next(3) == 0 ? whole[..random.Next(whole.Length)] : [.. whole];
        for (int i = random.Next(4); i > 0 && damaged.Length > 0; i--)
        {
            // Headers lie in front and decide the most, so they are hit more often.
            int place = random.Next(random.Next(2) == 0 ? Math.Min(128, damaged.Length) : damaged.Length);
            damaged[place] = random.Next(3) == 0 ? (byte)0xFF : (byte)random.Next(256);
        }

        return damaged;
    }

    private static byte[] Whole(TemporaryFolder folder, string name)
    {
        byte[] npy = TemporaryFolder.Npy<float>("<f4", "(3, 4)", [.. Enumerable.Range(0, 12).Select(i => (float)i)]);
        byte[] idx = TemporaryFolder.Idx(0x08, [3, 4], [.. Enumerable.Range(0, 12).Select(i => (byte)i)]);
        switch (name)
        {
            case "x.npy":
                return npy;
            case "x.npz":
                return File.ReadAllBytes(folder.WriteNpz(name, ("x", npy)));
            case "x.idx":
                return idx;
            case "x.idx.gz":
                return TemporaryFolder.Gzip(idx);
            case "x.csv":
                return "a,b,c,d,label\n1,2,3,4,0\n5,6,7,\"8\",1\n"u8.ToArray();
            case "x.jsonl":
                return "{\"x\": [1, 2, 3, 4], \"label\": 1}\n{\"x\": [1, 2, 3, 4], \"label\": 0}\n"u8.ToArray();
            case "dataset.json":
                folder.Write("x.npy", npy);
                return """{ "data": "x.npy", "scale": "1/255", "mean": [1, 2, 3, 4], "limit": 2, "split": { "from": 0, "to": 1 }, "inputs": { "x": { "fill": 3 } } }"""u8.ToArray();
            case "test_data_set_0/input_0.pb":
                return [0x08, 1, 0x08, 4, 0x10, 1, 0x4A, 16, .. new byte[16]];
            default:
                byte[] pixels = new byte[8 * 8 * 3];
                new Random(1).NextBytes(pixels);
                using (MemoryStream stream = new())
                {
                    if (name.EndsWith("png", StringComparison.Ordinal))
                    {
                        new ImageWriter().WritePng(pixels, 8, 8, ColorComponents.RedGreenBlue, stream);
                    }
                    else
                    {
                        new ImageWriter().WriteJpg(pixels, 8, 8, ColorComponents.RedGreenBlue, stream, 90);
                    }

                    return stream.ToArray();
                }
        }
    }
}
