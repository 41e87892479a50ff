/** The contract of key targets over each vendor of the guide. */
import { keyTargetContract } from '../contract/key-target.ts';
import { httpHarness } from './http-harness.ts';
import { VENDORS, type VendorName } from './http-vendor.ts';

for (const name of Object.keys(VENDORS) as VendorName[]) keyTargetContract(`http (${name} as documented)`, httpHarness(name));
