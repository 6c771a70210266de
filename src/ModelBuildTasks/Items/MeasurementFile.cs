using System;
using System.IO;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;

namespace ModelBuildTasks.Items;

/// <summary>What another device measured: a file of a ModelMeasurement item.</summary>
internal sealed class MeasurementFile(DeviceMeasurement measurement, InputDigest digest)
{
    public InputDigest Digest { get; } = digest;

    /// <summary>Whether it is about what the request makes. Whether it is of the very artifact, the worker finds out.</summary>
    public bool IsOf(OptimizationRequest request) => measurement.Model == request.Name && measurement.Target == request.Target;

    /// <returns>Null when the file can't be used, which is logged.</returns>
    public static MeasurementFile? Read(string path, string projectFile, DiagnosticLog log)
    {
        try
        {
            if (!File.Exists(path))
            {
                log.Write(Diagnostic.Create(DiagnosticCatalogue.DataNotFound, projectFile, "ModelMeasurement", path));
                return null;
            }

            // The digest first: what changes in between is then another file to the next build.
            var digest = RequestInputs.OfMeasurement(path);
            return new MeasurementFile(DeviceMeasurement.Read(path), digest);
        }
        catch (InvalidDataException fault)
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.MeasurementUnreadable, path, Path.GetFileName(path), fault.Message).At(path, DeviceMeasurement.LineOf(fault)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Write(Diagnostic.Create(DiagnosticCatalogue.MeasurementUnreadable, path, Path.GetFileName(path), exception.Message.TrimEnd('.')));
        }

        return null;
    }
}
