using System.Buffers.Binary;
using System.Numerics.Tensors;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Inputs for models that read pages, patches of pictures, or sound with a state that they hand on from frame to frame.</summary>
internal static class RealSignals
{
    /// <summary>Pages of 192 × 192 pixels, each of four rendered lines of text, normalised as the detector wants them.</summary>
    internal static (Dataset Calibration, Dataset Evaluation) TextPages()
    {
        const int Lines = 4;
        Dataset lines = RealCase.Described(
            $"\"data\": \"{BenchmarkModels.Data("datasets", "textline_orient/images400.idx.gz")}\""
            + """, "layout": "NHWC", "color": "BGR", "scale": "1/255", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]""",
            [new TensorSignature("x", ElementType.Float, [1, 3, 48, 192])]);
        return ListedDataset.Split([.. lines.Read().Chunk(Lines).Select(page => new Sample([Stacked([.. page.Select(line => line.Inputs[0])])], null))]);
    }

    /// <summary>Patches of 4 × 4 pixels from photographs.</summary>
    internal static (Dataset Calibration, Dataset Evaluation) Patches()
    {
        const int Size = 224, Side = 4, PatchesOfPhoto = 8;
        Dataset photos = RealCase.Described($"\"data\": \"{BenchmarkModels.Data("datasets", "photos")}\"" + """, "scale": "1/255" """, [new TensorSignature("x", ElementType.Float, [1, 3, Size, Size])]);
        Random random = new(0);
        List<Sample> patches = [];
        foreach (Sample photo in photos.Read())
        {
            float[] pixels = photo.Inputs[0].ToSingles();
            for (int i = 0; i < PatchesOfPhoto; i++)
            {
                (int top, int left) = (random.Next(Size - Side), random.Next(Size - Side));
                float[] patch = [.. from channel in Enumerable.Range(0, 3) from y in Enumerable.Range(0, Side) from x in Enumerable.Range(0, Side) select pixels[(channel * Size + top + y) * Size + left + x]];
                patches.Add(new Sample([Tensor.Create([1, 3, Side, Side], patch)], null));
            }
        }

        return ListedDataset.Split(patches);
    }

    /// <summary>Magnitudes of overlapping frames of speech; the state is what the float model makes of the frames before.</summary>
    internal static (Dataset Calibration, Dataset Evaluation) Spectra(ModelSession session)
    {
        const int Window = 512, Hop = 128, Bins = 257, Frames = 600, FirstFrame = 300;
        float[] wave = Wave();
        float[][] cosines = [.. Enumerable.Range(0, Bins).Select(bin => Waveform(bin, Math.Cos))];
        float[][] sines = [.. Enumerable.Range(0, Bins).Select(bin => Waveform(bin, Math.Sin))];
        return Stateful(session, Frames, frame =>
        {
            ReadOnlySpan<float> samples = wave.AsSpan((FirstFrame + frame) * Hop, Window);
            float[] magnitudes = new float[Bins];
            for (int bin = 0; bin < Bins; bin++)
            {
                magnitudes[bin] = float.Hypot(TensorPrimitives.Dot(samples, cosines[bin]), TensorPrimitives.Dot(samples, sines[bin]));
            }

            return [Tensor.Create([1, 1, Bins], magnitudes)];
        });

        static float[] Waveform(int bin, Func<double, double> function) => [.. Enumerable.Range(0, Window).Select(i => (float)function(2 * Math.PI * bin * i / Window))];
    }

    /// <summary>Frames of 512 samples of speech behind the 64 before them, at 16 kHz; the state is what the float model makes of the frames before.</summary>
    internal static (Dataset Calibration, Dataset Evaluation) Speech(ModelSession session)
    {
        const int Frame = 512, Context = 64, Frames = 600;
        float[] wave = Wave();
        return Stateful(session, Frames, frame => [Tensor.Create([1, Frame + Context], wave.AsSpan(Frame + frame * Frame - Context, Frame + Context).ToArray()), Tensor.Scalar(16_000L)]);
    }

    /// <summary>Runs the model over a sequence: its last output is the next frame's state, fed to the one input of that rank that <paramref name="inputs"/> leaves out.</summary>
    private static (Dataset Calibration, Dataset Evaluation) Stateful(ModelSession session, int frames, Func<int, Tensor[]> inputs)
    {
        List<Sample> samples = [];
        Tensor? state = null;
        for (int frame = 0; frame < frames; frame++)
        {
            Tensor[] given = inputs(frame);
            state ??= Zeros(session.Inputs.First(input => input.Name.Contains("state", StringComparison.Ordinal) || input.Shape.Count == 4));
            List<Tensor> open = [.. given];
            Tensor[] ordered = [.. session.Inputs.Select(input =>
            {
                Tensor? match = open.Find(tensor => tensor.ElementType == input.ElementType && tensor.Dimensions.Count == input.Shape.Count);
                return match ?? state;
            })];
            samples.Add(new Sample(ordered, null));
            state = session.Run(ordered)[^1];
        }

        return ListedDataset.Split(samples);
    }

    private static Tensor Zeros(TensorSignature signature)
    {
        long[] shape = [.. signature.Shape.Select(dimension => dimension.Size ?? 1)];
        return Tensor.Create(shape, new float[shape.Aggregate(1L, (product, size) => product * size)]);
    }

    /// <summary>A mono 16-bit wave file behind its header of 44 bytes, −1 to 1.</summary>
    private static float[] Wave()
    {
        const int Header = 44;
        byte[] file = File.ReadAllBytes(BenchmarkModels.Data("datasets", "audio/silero_test.wav"));
        float[] samples = new float[(file.Length - Header) / sizeof(short)];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = BinaryPrimitives.ReadInt16LittleEndian(file.AsSpan(Header + i * sizeof(short))) / 32768f;
        }

        return samples;
    }

    /// <summary>Pictures [1, channels, height, width] one above the other.</summary>
    private static Tensor Stacked(IReadOnlyList<Tensor> pictures)
    {
        long channels = pictures[0].Dimensions[1], height = pictures[0].Dimensions[2], width = pictures[0].Dimensions[3];
        int plane = (int)(height * width);
        float[] stacked = new float[channels * plane * pictures.Count];
        for (int channel = 0; channel < channels; channel++)
        {
            for (int i = 0; i < pictures.Count; i++)
            {
                pictures[i].Span<float>().Slice(channel * plane, plane).CopyTo(stacked.AsSpan((channel * pictures.Count + i) * plane));
            }
        }

        return Tensor.Create([1, channels, height * pictures.Count, width], stacked);
    }
}
