using System.CommandLine;
using Ddm.Services;

namespace Ddm.Cli;

/// <summary><c>ddm init</c>: a spec with comments for somebody's own pictures.</summary>
internal static class InitCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER") { Description = "The pictures: a folder or a file", DefaultValueFactory = _ => "." };
        var output = new Option<string>("--out") { Description = "The spec to write", HelpName = "FILE", DefaultValueFactory = _ => "ddm.yaml" };
        var name = new Option<string?>("--name") { Description = "The run's name [default: made of the folder's]" };
        var force = new Option<bool>("--force") { Description = "Replace the file if it exists" };
        var command = new Command("init", "Write a commented spec for a folder of pictures. Example: ddm init photos --out cats.yaml") { folder, output, name, force };
        command.SetAction(parsed =>
        {
            var target = parsed.GetValue(output)!;
            var written = SpecInit.Write(parsed.GetValue(folder)!, target, parsed.GetValue(name), parsed.GetValue(force));
            Show(written, target);
            return CommandHost.Success;
        });
        return command;
    }

    private static void Show(SpecInit written, string target)
    {
        var (look, draft) = (written.Look, written.Draft);
        Console.WriteLine($"{target}: {look.Count} pictures, {(look.ClassNames.Count == 0 ? "no classes" : $"{look.ClassNames.Count} classes")}; "
            + $"{draft.Experts} experts of {draft.Preset} at {draft.ImageSize} x {draft.ImageSize}, {draft.Steps} steps each.");
        Console.WriteLine(written.SchemaFile is { } schema ? $"{Path.GetFileName(schema)}: its schema, for editors."
            : "note: the schema for editors was not written, another file has its name; 'ddm schema' prints it.");
        if (look.Unreadable.Count > 0)
        {
            Console.WriteLine($"note: {look.Unreadable.Count} of {look.Sampled} pictures looked at cannot be read; the first is {look.Unreadable[0]}.");
        }

        Console.WriteLine($"  check    ddm validate {target}");
        Console.WriteLine($"  cost     ddm plan {target}");
        Console.WriteLine($"  train    ddm run {target}");
    }
}
