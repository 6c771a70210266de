// Obeys the worker's contract without its hours of work: "build --parent <id>" and request files (or @file) in, artifacts and results out.
// With "report @file" it writes the names of the results as the page. A model's name, or fault.txt beside the worker, asks for the ways in which a worker goes wrong.
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;

if (args is ["report", ['@', .. var arguments]])
{
    var lines = File.ReadLines(arguments).Select(line => line.Trim('"')).ToList();
    var folder = Directory.CreateDirectory(lines[lines.IndexOf("--output") + 1]).FullName;
    File.WriteAllLines(Path.Combine(folder, "models.html"), lines.TakeWhile(line => line != "--output"));
    Console.WriteLine($"Written: {Path.Combine(folder, "models.html")}");
    return 0;
}

var parent = Process.GetProcessById(int.Parse(args[2], CultureInfo.InvariantCulture));
new Thread(() =>
{
    parent.WaitForExit();
    Environment.Exit(1);
}) { IsBackground = true }.Start();

var requests = args.Skip(3).SelectMany(argument => argument.StartsWith('@') ? File.ReadLines(argument[1..]).Select(line => line.Trim('"')) : [argument]).ToList();
File.AppendAllText(At("runs.log"), string.Join('|', requests.Select(Path.GetFileNameWithoutExtension)) + "\n");
File.AppendAllText(At("cores.log"), Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture) + "\n");
Console.OutputEncoding = Encoding.UTF8;
foreach (var path in requests)
{
    var request = OptimizationRequest.Read(path);
    Console.WriteLine($"{request.Name} → {request.Target}");
    switch (File.Exists(At("fault.txt")) ? File.ReadAllText(At("fault.txt")) : request.Name)
    {
        case "crash":
            Console.Error.WriteLine("the floor gave way");
            return 134;
        case "abort":
            HalfWrite(request);
            Environment.FailFast("the floor gave way");
            break;
        case "segfault":
            HalfWrite(request);
            Native.strlen(1);
            break;
        case "hang":
            using (PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true))
            {
                HalfWrite(request);
                File.WriteAllText(At("hang.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                Thread.Sleep(TimeSpan.FromMinutes(5));
            }

            return 1;
        case "slow":
            Thread.Sleep(TimeSpan.FromSeconds(5));
            break;
        case "fills":
            FillDisk(request);
            return 1;
        case "lies":
            Console.WriteLine("app.csproj(1,1): error MBT9999: this is prose");
            Console.Error.WriteLine("error MBT9998: and so is this");
            break;
        case "talks":
            for (var i = 0; i < 100_000; i++)
            {
                Console.WriteLine($"line {i}");
            }

            Console.Error.WriteLine(new string('x', 1 << 20));
            break;
    }

    Optimize(request).Write(request.ResultPath);
}

return 0;

static string At(string file) => Path.Combine(AppContext.BaseDirectory, file);

// What a worker leaves that ends in the middle of writing.
static void HalfWrite(OptimizationRequest request)
{
    Directory.CreateDirectory(Path.GetDirectoryName(request.OutputPath)!);
    File.WriteAllText($"{request.OutputPath}.{Guid.NewGuid():N}.staged", "half");
    File.WriteAllText($"{request.ResultPath}.{Guid.NewGuid():N}.tmp", "half");
}

static void FillDisk(OptimizationRequest request)
{
    try
    {
        using var staged = File.Create($"{request.OutputPath}.{Guid.NewGuid():N}.staged", bufferSize: 1);
        while (true)
        {
            staged.Write(new byte[4096]);
        }
    }
    catch (IOException)
    {
        // That is what was wanted.
    }
}

static byte[] Compressed(byte[] artifact)
{
    using var stream = new MemoryStream();
    using (var brotli = new BrotliStream(stream, CompressionMode.Compress, leaveOpen: true))
    {
        brotli.Write(artifact);
    }

    return [.. stream.ToArray(), .. BitConverter.GetBytes((long)artifact.Length), .. SHA256.HashData(artifact)];
}

static OptimizationResult Optimize(OptimizationRequest request)
{
    var result = new OptimizationResult { Model = request.ModelPath, Target = request.Target };
    var source = File.ReadAllBytes(request.ModelPath);
    if (source is not [8, ..])
    {
        result.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.NotOnnx, request.ModelPath, "it does not start with an IR version"));
        return result;
    }

    // A doc_string (field 6 of ModelProto) says what was asked, and leaves a model that loads and runs.
    var note = Encoding.UTF8.GetBytes($"for {request.Target} in {request.Settings.Precision}");
    byte[] artifact = [.. source, (6 << 3) | 2, (byte)note.Length, .. note];
    Directory.CreateDirectory(Path.GetDirectoryName(request.OutputPath)!);
    File.WriteAllBytes(request.OutputPath, request.Compress ? Compressed(artifact) : artifact);
    // As a cache would restore it.
    File.SetLastWriteTimeUtc(request.OutputPath, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));

    result.Succeeded = true;
    result.ArtifactPath = request.OutputPath;
    result.ArtifactSha256 = ContentDigest.OfFile(request.OutputPath);
    result.IsCompressed = request.Compress;
    result.Original = new ModelFigures { Bytes = source.Length };
    result.Optimized = new ModelFigures { Bytes = artifact.Length };
    result.Pinned = request.Locked?.Recipe ?? new PinnedRecipe { Precision = Precision.Float32 };
    result.Recipe.Add(new RecipeStep { Name = "Note", Applied = true, Explanation = "appended a note" });
    if (request.Budgets.MaxSizeBytes is { } limit && artifact.Length > limit)
    {
        result.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.SizeBudget, request.ModelPath, request.Name, request.Target,
            artifact.Length.ToString(CultureInfo.InvariantCulture), limit.ToString(CultureInfo.InvariantCulture)));
    }

    if (request.Name == "large")
    {
        // As the worker names it; the artifact, which stays small, does not read it.
        var weights = Path.Combine(Path.GetDirectoryName(request.OutputPath)!, $"{request.Target}.{ContentDigest.OfFile(request.ModelPath)}.data");
        File.Copy(request.ModelPath, weights, overwrite: true);
        result.ExternalData = Path.GetFileName(weights);
    }

    if (request.Name == "warned")
    {
        result.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.PassedThrough, request.ModelPath, request.Name, request.Target, "nothing helped"));
    }

    return result;
}

internal static class Native
{
    // An access violation in native code is no exception that .NET could tell of.
    [DllImport("libc")]
    public static extern nint strlen(nint text);
}
