using System.CommandLine;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Services;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary><c>ddm validate</c>: everything wrong or doubtful about a spec, with its place. Writes nothing.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var spec = SpecFile.Argument();
        var noData = new Option<bool>("--no-data") { Description = "Do not open the pictures" };
        var json = CommonOptions.Json();
        var command = new Command("validate", "Check a spec and its pictures; write nothing. Example: ddm validate cats.yaml") { spec, noData, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var file = parsed.GetRequiredValue(spec);
            var text = await SpecFile.ReadAsync(file, cancellationToken);
            var found = await SpecValidation.CheckAsync(text, file, CommonOptions.StoreOf(parsed), !parsed.GetValue(noData), cancellationToken);
            return Show(found, file, parsed.GetValue(json));
        });
        return command;
    }

    private static int Show(SpecValidation found, string file, bool json)
    {
        var valid = found.Mistakes.Count == 0;
        if (json)
        {
            var data = found.Look is { } seen ? new { rows = seen.Count, classes = seen.ClassNames, sampled = seen.Sampled, unreadable = seen.Unreadable } : null;
            var result = new { file, valid, errors = found.Mistakes, warnings = found.Warnings, notices = found.Notices, data };
            Console.WriteLine(JsonSerializer.Serialize(result, BlobJson.Options));
            return valid ? CommandHost.Success : CommandHost.UserError;
        }

        if (!valid)
        {
            throw new UserErrorException(SpecNote.Lines(found.Mistakes, file));
        }

        foreach (var warning in found.Warnings)
        {
            Console.WriteLine((warning with { Text = "warning: " + warning.Text }).In(file));
        }

        foreach (var notice in found.Notices)
        {
            Console.WriteLine(notice);
        }

        var look = found.Look;
        Console.WriteLine($"{file} is valid: run '{found.Spec!.Name}'" + (look is null ? "; the pictures were not looked at."
            : $", {look.Count} pictures, {(look.ClassNames.Count == 0 ? "no classes" : $"{look.ClassNames.Count} classes")}."));
        return CommandHost.Success;
    }
}
