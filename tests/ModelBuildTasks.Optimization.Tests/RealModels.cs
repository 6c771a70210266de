using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests;

/// <summary>The real models of the development machines, and inputs to compare two forms of one model on.</summary>
internal static class RealModels
{
    internal static IEnumerable<object[]> Names =>
        Folder is { } folder ? Directory.EnumerateFiles(folder, "*.onnx").Order(StringComparer.Ordinal).Select(path => new object[] { Path.GetFileName(path) }) : [["(no data)"]];

    internal static string Require(string name)
    {
        string? path = Folder is { } folder ? Path.Combine(folder, name) : null;
        if (!File.Exists(path))
        {
            Assert.Inconclusive($"The test needs the model '{name}'; set MODELBUILD_DATA to the folder of test data.");
        }

        return path;
    }

    /// <summary>A file of the test data; null where it is missing.</summary>
    internal static string? Data(params ReadOnlySpan<string> parts)
    {
        string? path = Folder is { } folder ? Path.Combine([Path.GetDirectoryName(folder)!, .. parts]) : null;
        return File.Exists(path) ? path : null;
    }

    /// <summary>
    /// Inputs that a model accepts: free dimensions set to <paramref name="batch"/>, or what the model needs, heights and widths
    /// <paramref name="scale"/> times; numbers in a range that its operators like.
    /// </summary>
    internal static IReadOnlyList<Tensor> RandomInputs(string name, IReadOnlyList<TensorSignature> signatures, int seed, long batch = 2, long scale = 1)
    {
        Random random = new(seed);
        return [.. signatures.Select(signature => RandomInput(name, signature, random, batch, scale))];
    }

    /// <summary>The largest difference of two outputs, <paramref name="noise"/> aside, as a share of the first one's range (at least 1e-6).</summary>
    internal static double RelativeError(Tensor expected, Tensor actual, double noise = 0)
    {
        CollectionAssert.AreEqual(expected.Dimensions.ToArray(), actual.Dimensions.ToArray());
        Assert.AreEqual(expected.ElementType, actual.ElementType);
        float[] a = expected.ToSingles();
        float[] b = actual.ToSingles();
        double range = Math.Max(a.Length == 0 ? 0 : a.Max(v => Math.Abs((double)v)), 1e-6);
        double worst = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double difference = float.IsNaN(a[i]) && float.IsNaN(b[i]) ? 0 : Math.Max(0, Math.Abs((double)a[i] - b[i]) - noise) / range;
            worst = Math.Max(worst, double.IsNaN(difference) ? double.PositiveInfinity : difference);
        }

        return worst;
    }

    /// <summary>The mean difference of two outputs as a share of the first one's range.</summary>
    internal static double MeanRelativeError(Tensor expected, Tensor actual)
    {
        float[] a = expected.ToSingles();
        double range = Math.Max(a.Max(v => Math.Abs((double)v)), 1e-6);
        return a.Zip(actual.ToSingles(), (x, y) => Math.Abs((double)x - y) / range).Average();
    }

    private static string? Folder
    {
        get
        {
            string models = Path.Combine(Repository.PublishedData, "models");
            return Directory.Exists(models) ? models : null;
        }
    }

    private static Tensor RandomInput(string name, TensorSignature signature, Random random, long batch, long scale)
    {
        long[] shape = [.. signature.Shape.Select((dimension, axis) => dimension.Size ?? (FreeSize(name, signature, axis) is { } needed ? needed * scale : batch))];
        int length = (int)shape.Aggregate(1L, (product, size) => product * size);
        return signature.ElementType switch
        {
            ElementType.Float => Tensor.Create(shape, Fill(length, () => random.NextSingle() * 2 - 1)),
            ElementType.Float16 => Tensor.Create(shape, Fill(length, () => (Half)(random.NextSingle() * 2 - 1))),
            ElementType.Int32 => Tensor.Create(shape, Fill(length, () => random.Next(0, 256))),
            ElementType.UInt8 => Tensor.Create(shape, Fill(length, () => (byte)random.Next(0, 100))),
            ElementType.Int64 => Tensor.Create(shape, Fill(length, () => 16000L)),
            _ => throw new NotSupportedException($"{signature}"),
        };
    }

    private static T[] Fill<T>(int length, Func<T> next) => [.. Enumerable.Range(0, length).Select(_ => next())];

    private static long? FreeSize(string name, TensorSignature signature, int axis) => (name, axis) switch
    {
        (_, 1) when name.StartsWith("silero", StringComparison.Ordinal) && signature.Name == "input" => 576,
        (_, > 1) when name.StartsWith("ch_", StringComparison.Ordinal) => axis == 2 ? 64 : 192,
        _ => null,
    };
}
