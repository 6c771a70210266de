using System.Text;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Benchmarks;

/// <summary>The samples of a pair as a project would have them: without labels to calibrate with, labelled ones to search by, and others that no search sees.</summary>
/// <param name="Calibration">Path of the calibration samples.</param>
/// <param name="Search">Path of the half that a search may judge by.</param>
/// <param name="HeldOut">Path of the other half.</param>
/// <param name="CalibrationCount">Samples that calibrate.</param>
/// <param name="SearchCount">Samples of the first half.</param>
/// <param name="HeldOutCount">Samples of the other, one less at most.</param>
internal sealed record SearchData(string Calibration, string Search, string HeldOut, int CalibrationCount, int SearchCount, int HeldOutCount)
{
    /// <summary>Of labelled samples that have to calibrate as well, one of so many does; it is in neither half.</summary>
    private const int OneOf = 5;

    /// <summary>Writes the parts below a folder. Samples are dealt out class by class, so that each part has its share of each.</summary>
    internal static SearchData Write(Dataset? calibration, Dataset labelled, string folder)
    {
        Sample[] byClass = [.. labelled.Read().OrderBy(sample => sample.Label!.Span<long>()[0])];
        Sample[] calibrating = calibration is null ? [.. byClass.Where((_, i) => i % OneOf == 0)] : [.. calibration.Read()];
        Sample[] judging = calibration is null ? [.. byClass.Where((_, i) => i % OneOf != 0)] : byClass;
        Sample[] search = [.. judging.Where((_, i) => i % 2 == 0)];
        Sample[] heldOut = [.. judging.Where((_, i) => i % 2 == 1)];
        return new SearchData(
            Write(Path.Combine(folder, "calibration"), calibrating, withLabels: false),
            Write(Path.Combine(folder, "search"), search, withLabels: true),
            Write(Path.Combine(folder, "held-out"), heldOut, withLabels: true),
            calibrating.Length,
            search.Length,
            heldOut.Length);
    }

    /// <summary>A folder of <c>.npy</c> files, as docs/DATA.md has it.</summary>
    private static string Write(string folder, Sample[] samples, bool withLabels)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, "samples.npy");
        // Of the models measured here, each has one input.
        WriteArray(path, [.. samples.Select(sample => sample.Inputs.Single())], ElementOf(samples[0].Inputs[0]));
        if (withLabels)
        {
            WriteArray(Path.Combine(folder, "labels.npy"), [.. samples.Select(sample => sample.Label!)], "<i8");
        }

        return path;
    }

    private static void WriteArray(string path, Tensor[] records, string type)
    {
        // Samples have a batch axis of 1, labels have no axis.
        IEnumerable<long> shape = records[0].Dimensions.Skip(1).Prepend(records.Length);
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({string.Join(", ", shape)},), }}\n";
        using FileStream file = File.Create(path);
        file.Write([0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length), .. Encoding.ASCII.GetBytes(header)]);
        foreach (Tensor record in records)
        {
            file.Write(record.Data.Span);
        }
    }

    private static string ElementOf(Tensor input) => input.ElementType switch
    {
        ElementType.Float => "<f4",
        ElementType.Int32 => "<i4",
        ElementType.Int64 => "<i8",
        _ => throw new NotSupportedException($"No pair has inputs of {input.ElementType}."),
    };
}
