// Obeys the worker's contract without its hours of work: "build" and request files (or @file) in, artifacts and results out.
// A model's name may ask for the ways in which a worker goes wrong.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ModelBuildTasks.Contracts;

var requests = args.Skip(1).SelectMany(argument => argument.StartsWith('@') ? File.ReadLines(argument[1..]).Select(line => line.Trim('"')) : [argument]).ToList();
File.AppendAllText(Path.Combine(AppContext.BaseDirectory, "runs.log"), string.Join('|', requests.Select(Path.GetFileNameWithoutExtension)) + "\n");
Console.OutputEncoding = Encoding.UTF8;
foreach (var path in requests)
{
    var request = OptimizationRequest.Read(path);
    Console.WriteLine($"{request.Name} → {request.Target}");
    switch (request.Name)
    {
        case "crash":
            Console.Error.WriteLine("the floor gave way");
            return 134;
        case "hang":
            File.WriteAllText(Path.Combine(AppContext.BaseDirectory, "hang.pid"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            Thread.Sleep(TimeSpan.FromMinutes(5));
            return 1;
    }

    Optimize(request).Write(request.ResultPath);
}

return 0;

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
    File.WriteAllBytes(request.OutputPath, artifact);
    // As a cache would restore it.
    File.SetLastWriteTimeUtc(request.OutputPath, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));

    result.Succeeded = true;
    result.ArtifactPath = request.OutputPath;
    result.ArtifactSha256 = Convert.ToHexStringLower(SHA256.HashData(artifact));
    result.Original = new ModelFigures { Bytes = source.Length };
    result.Optimized = new ModelFigures { Bytes = artifact.Length };
    result.Recipe.Add(new RecipeStep { Name = "Note", Applied = true, Explanation = "appended a note" });
    if (request.Budgets.MaxSizeBytes is { } limit && artifact.Length > limit)
    {
        result.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.SizeBudget, request.ModelPath, request.Name, request.Target,
            artifact.Length.ToString(CultureInfo.InvariantCulture), limit.ToString(CultureInfo.InvariantCulture)));
    }

    if (request.Name == "warned")
    {
        result.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.PassedThrough, request.ModelPath, request.Name, request.Target, "nothing helped"));
    }

    return result;
}
