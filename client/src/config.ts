import * as vscode from 'vscode';
import { isValid, type SettingSchemas } from './settingSchema';

/**
 * The settings the client itself needs, read anew each time; the server asks for its own. A value that
 * package.json does not allow counts as absent.
 */
export class Config {
  /** @param schemas what package.json says about the settings */
  constructor(private readonly schemas: SettingSchemas) {}

  /** Whether Parafill does anything at all. */
  get enabled(): boolean {
    return this.read('enable') === true;
  }

  /** Whether ghost text comes by itself, rather than on request only. */
  get automatic(): boolean {
    return this.read('enableAutomaticCompletions') === true;
  }

  /** How many candidates Regenerate Until Check Passes tries at most. */
  get checkCandidates(): number {
    return Number(this.read('checkCandidates'));
  }

  /** How long one check may take, in milliseconds. */
  get checkTimeoutMs(): number {
    return Number(this.read('checkTimeout')) * 1000;
  }

  /** The command that says whether the code of a workspace folder is right; empty when there is none. */
  checkCommand(folder: vscode.WorkspaceFolder): string {
    return String(this.read('checkCommand', folder.uri)).trim();
  }

  /** The folder of another model; empty for the bundled one. */
  get modelPath(): string {
    return String(this.read('modelPath')).trim();
  }

  /** Chooses the model for the person, in every workspace. */
  setModelPath(path: string): Promise<void> {
    return this.setForPerson('modelPath', path === '' ? undefined : path);
  }

  /** Keeps the check command with the workspace folder. */
  async setCheckCommand(folder: vscode.WorkspaceFolder, command: string): Promise<void> {
    const section = vscode.workspace.getConfiguration('parafill', folder.uri);
    await section.update('checkCommand', command, vscode.ConfigurationTarget.WorkspaceFolder);
  }

  /** How many alternatives are wanted. */
  get candidates(): number {
    return Number(this.read('candidates'));
  }

  /** The longest fill of one hole, in tokens. */
  get maxTokens(): number {
    return Number(this.read('maxTokens'));
  }

  /** Whether fills are shown while they come about; a screen reader would have to read every state of it. */
  get showsDenoising(): boolean {
    const wanted = this.read('visibleDenoising');
    if (wanted === 'on' || wanted === 'off') return wanted === 'on';
    return !this.usesScreenReader;
  }

  /** As far as extensions are told: VS Code finds most screen readers by itself and keeps that to itself. */
  get usesScreenReader(): boolean {
    return vscode.workspace.getConfiguration('editor').get<unknown>('accessibilitySupport') === 'on';
  }

  /** Whether the parts of fills that the model was unsure of are underlined. */
  get showsUncertainParts(): boolean {
    return this.read('showUncertainParts') === true;
  }

  /** Switches automatic completion for the person, in every workspace. */
  setAutomatic(automatic: boolean): Promise<void> {
    return this.setForPerson('enableAutomaticCompletions', automatic);
  }

  private async setForPerson(name: string, value: unknown): Promise<void> {
    const section = vscode.workspace.getConfiguration('parafill');
    // A workspace that sets it wins over the person's own setting, so the change has to go there.
    const inWorkspace = section.inspect(name)?.workspaceValue !== undefined;
    const target = inWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global;
    await section.update(name, value, target);
  }

  private read(name: string, scope?: vscode.Uri): unknown {
    const value = vscode.workspace.getConfiguration('parafill', scope).get<unknown>(name);
    const schema = this.schemas[`parafill.${name}`];
    if (schema === undefined)
      throw new Error(`package.json does not contribute the setting parafill.${name}.`);
    return value === undefined || value === null || !isValid(schema, value) ? schema.default : value;
  }
}
